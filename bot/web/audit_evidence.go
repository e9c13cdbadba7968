package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
	"breakglass/flows/doors"
)

// The bounds of a sample.
const (
	sampleMost     = 100
	sampleUsual    = 25
	populationMost = 200_000
	// earlier is how long before the window a request may have been submitted whose
	// access began or ended in it.
	earlier = 30 * day
)

// evidencePage is a report for a sample, as auditors ask for it: that access was
// authorised before it was given, and that it was removed.
type evidencePage struct {
	N              int
	Seed           string
	Since, Until   string
	Report         bool
	Wrong          string
	By             string
	Made           time.Time
	From, To       time.Time
	Last           time.Time // the last day
	World          flows.World
	Grants         sample
	Removals       sample
	Seen           seenBy
	Again          string // the address of this report
	ConfigHash     string
	ServerVersion  string
	SamplingMethod string
}

// sample is what was drawn from a population.
type sample struct {
	Population int
	Items      []sampled
}

// sampled is one event of a sample.
type sampled struct {
	Line     line
	At       time.Time // of the event
	Decided  time.Time
	Approved []who
	Self     bool
	OnCall   string
	Due      time.Time // removals: the latest it was to end
	Late     time.Duration
	Cause    string
	Seq      int64
	Hash     string
	Proof    proof
}

// samplingMethod says how the sample is drawn, so that anybody can draw it again.
const samplingMethod = "Each request of the population gets the number SHA-256(seed, line feed, request id); the sample is the requests with the smallest numbers."

// EvidencePage is GET /audit/evidence: the form, and with a seed the report.
func (w *Web) EvidencePage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	d, in := w.desk(c), r.URL.Query()
	page := &evidencePage{Since: in.Get("since"), Until: in.Get("until"), Seed: in.Get("seed"), SamplingMethod: samplingMethod, ServerVersion: w.o.Version}
	page.defaults(w, in.Get("n"))
	if !in.Has("seed") {
		w.show(rw, r, c, http.StatusOK, "Evidence", shown((*view).auditEvidence, page))
		return
	}
	if page.Wrong = page.read(); page.Wrong != "" {
		w.show(rw, r, c, http.StatusUnprocessableEntity, "Evidence", shown((*view).auditEvidence, page))
		return
	}
	cat := w.o.Catalog()
	page.Report, page.By, page.Made, page.World, page.ConfigHash = true, w.name(c.Person), w.o.Clock.Now(), cat.World, cat.Hash
	page.Again = "/audit/evidence?" + url.Values{"n": {strconv.Itoa(page.N)}, "seed": {page.Seed}, "since": {page.Since}, "until": {page.Until}}.Encode()
	if err := d.draw(r.Context(), page); err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	page.Seen = d.look(r.Context(), history.Look{What: history.LookSample, Form: "n=" + strconv.Itoa(page.N) + " seed=" + page.Seed, Search: flows.Search{Since: page.From, Until: page.To}})
	w.show(rw, r, c, http.StatusOK, "Evidence", shown((*view).auditEvidence, page))
}

// defaults fills what was not said: the last three whole months, and a new seed.
func (p *evidencePage) defaults(w *Web, n string) {
	now := w.o.Clock.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	p.Since = cmp.Or(p.Since, month.AddDate(0, -3, 0).Format(time.DateOnly))
	p.Until = cmp.Or(p.Until, month.AddDate(0, 0, -1).Format(time.DateOnly))
	p.N = sampleUsual
	if typed, err := strconv.Atoi(n); err == nil {
		p.N = typed
	}
	if p.Seed == "" {
		b := make([]byte, 4)
		w.o.Random(b)
		p.Seed = hex.EncodeToString(b)
	}
}

// read reads the form; a sentence says what is wrong with it.
func (p *evidencePage) read() string {
	from, err := time.Parse(time.DateOnly, p.Since)
	to, bad := time.Parse(time.DateOnly, p.Until)
	to = to.AddDate(0, 0, 1)
	switch {
	case err != nil || bad != nil || from.Year() < 1970 || to.Year() > 9000:
		return "A date is none. Write them like 2026-01-31."
	case !from.Before(to):
		return "The window ends before it begins."
	case to.Sub(from) > 400*day:
		return "The window is longer than 400 days. Choose a shorter one."
	case p.N < 1 || p.N > sampleMost:
		return fmt.Sprintf("A sample has 1 to %d events of each kind.", sampleMost)
	case len(p.Seed) > 64:
		return "The seed is longer than 64 characters."
	}
	p.From, p.To, p.Last = from, to, to.AddDate(0, 0, -1)
	return ""
}

// draw walks the population and takes the sample.
func (d *desk) draw(ctx context.Context, page *evidencePage) error {
	grants, removals := newDrawing(page.N, page.Seed), newDrawing(page.N, page.Seed)
	in := func(t time.Time) bool { return !t.Before(page.From) && t.Before(page.To) }
	f := flows.Search{Since: page.From.Add(-earlier), Until: page.To, Limit: 500}
	for {
		found, err := d.search(ctx, f)
		if err != nil {
			return err
		}
		for i := range found.Requests {
			r := &found.Requests[i]
			if !r.GrantedAt.IsZero() && in(r.GrantedAt) {
				grants.offer(r)
			}
			if !r.GrantedAt.IsZero() && !r.EndedAt.IsZero() && in(r.EndedAt) {
				removals.offer(r)
			}
		}
		if grants.population > populationMost {
			return flows.Refuse(flows.RefusedInput, "There are more than %d grants in that window. No report was made.", populationMost).Then("Choose a shorter one.")
		}
		if found.Next.ID == "" {
			break
		}
		f.After = found.Next
	}
	var err error
	if page.Grants, err = d.sampled(ctx, grants, flows.VerbGranted); err != nil {
		return err
	}
	page.Removals, err = d.sampled(ctx, removals, flows.VerbRevoked)
	return err
}

// drawing keeps the requests with the smallest numbers.
type drawing struct {
	n          int
	seed       string
	population int
	kept       []drawn // by number, ascending
}

type drawn struct {
	number [sha256.Size]byte
	r      flows.Request
}

func newDrawing(n int, seed string) *drawing { return &drawing{n: n, seed: seed} }

func (d *drawing) offer(r *flows.Request) {
	d.population++
	x := drawn{number: sha256.Sum256([]byte(d.seed + "\n" + string(r.ID)))}
	at, _ := slices.BinarySearchFunc(d.kept, x, func(a, b drawn) int { return bytes.Compare(a.number[:], b.number[:]) })
	if at == d.n {
		return
	}
	x.r = *r
	d.kept = slices.Insert(d.kept, at, x)
	d.kept = d.kept[:min(len(d.kept), d.n)]
}

// sampled reads the evidence of what was drawn: the entry of that verb, and its proof.
func (d *desk) sampled(ctx context.Context, from *drawing, verb flows.Verb) (sample, error) {
	out := sample{Population: from.population}
	var entries []flows.Sealed
	var of []int // which item an entry is of
	for i := range from.kept {
		r := &from.kept[i].r
		out.Items = append(out.Items, d.sampledOf(r, verb))
		all, err := d.o.Archive.Entries(ctx, string(r.ID))
		if err != nil {
			return out, err
		}
		if at := slices.IndexFunc(all, func(e flows.Sealed) bool { return e.Verb == string(verb) }); at >= 0 {
			entries, of = append(entries, all[at]), append(of, i)
		}
	}
	proofs, err := audit.Include(ctx, d.o.Archive, entries)
	if err != nil {
		return out, err
	}
	for i := range proofs {
		s := &out.Items[of[i]]
		s.Seq, s.Hash, s.Proof = entries[i].Seq, entries[i].Hash, proofOf(&proofs[i])
	}
	slices.SortFunc(out.Items, func(a, b sampled) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Line.ID, b.Line.ID)) })
	return out, nil
}

func (d *desk) sampledOf(r *flows.Request, verb flows.Verb) sampled {
	s := sampled{
		Line: d.line(r), Decided: r.DecidedAt, Self: r.SelfMade, Due: r.LatestEnd, Cause: endWords[r.EndCause], At: r.GrantedAt,
	}
	for _, p := range r.Approvers() {
		s.Approved = append(s.Approved, d.who(p))
	}
	if p := r.Proof; p != nil && r.SelfMade {
		s.OnCall = fmt.Sprintf("on call for %s, level %d, read %s", cmp.Or(p.Entry.PolicyName, p.Entry.PolicyID), p.Entry.Level, exact(p.ReadAt))
	}
	if verb == flows.VerbRevoked {
		s.At, s.Late = r.EndedAt, age(r.EndedAt, r.EndsAt)
	}
	return s
}
