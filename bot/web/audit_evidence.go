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
)

// Moments tells when access began and when it was over.
type Moments interface {
	// EachGranted calls each with the requests whose access began from a time on and before
	// another, in no order, some perhaps more than once.
	EachGranted(ctx context.Context, from, to time.Time, each func(flows.RequestID)) error
	// EachRevoked is the same of those whose end the target confirmed, also where it had
	// never confirmed that the access began.
	EachRevoked(ctx context.Context, from, to time.Time, each func(flows.RequestID)) error
}

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

// draw takes the samples. How large the populations are is known from the running totals;
// of each request in them only its id is read, and the evidence of those that were drawn.
func (d *desk) draw(ctx context.Context, page *evidencePage) error {
	sums, err := d.o.Archive.Sums(ctx, page.From, page.Last, "")
	if err != nil {
		return err
	}
	var began, over int
	for _, t := range sums.Days {
		switch t.Name {
		case flows.TotalBegan:
			began += int(t.N)
		case flows.TotalOver:
			over += int(t.N)
		}
	}
	if max(began, over) > populationMost {
		return flows.Refuse(flows.RefusedInput, "There are more than %d grants or removals in that window. No report was made.", populationMost).Then("Choose a shorter one.")
	}
	if page.Grants, err = d.sampled(ctx, page, began, flows.VerbGranted, d.o.Archive.EachGranted); err != nil {
		return err
	}
	page.Removals, err = d.sampled(ctx, page, over, flows.VerbRevoked, d.o.Archive.EachRevoked)
	return err
}

// walk calls each with the requests of a population, and perhaps with others to which no
// access was ever given.
type walk func(ctx context.Context, from, to time.Time, each func(flows.RequestID)) error

// drawing keeps the requests with the smallest numbers.
type drawing struct {
	n    int
	seed string
	kept []drawn // by number, ascending
	left bool    // some were not kept
}

type drawn struct {
	number [sha256.Size]byte
	id     flows.RequestID
}

// offer may come twice with the same one.
func (d *drawing) offer(id flows.RequestID) {
	x := drawn{sha256.Sum256([]byte(d.seed + "\n" + string(id))), id}
	at, there := slices.BinarySearchFunc(d.kept, x, func(a, b drawn) int { return bytes.Compare(a.number[:], b.number[:]) })
	switch {
	case there:
		return
	case at == d.n:
		d.left = true
		return
	case len(d.kept) == d.n:
		d.left, d.kept = true, d.kept[:d.n-1]
	}
	d.kept = slices.Insert(d.kept, at, x)
}

// drawn reads the requests of a sample. Those that had no access are passed over: the end
// of what the target never confirmed is no removal. They are few, so a few more are kept.
func (d *desk) drawn(ctx context.Context, page *evidencePage, of walk) ([]flows.Request, error) {
	for keep := page.N + page.N/4; ; keep *= 4 {
		from := &drawing{n: keep, seed: page.Seed}
		if err := of(ctx, page.From, page.To, from.offer); err != nil {
			return nil, err
		}
		var out []flows.Request
		for _, x := range from.kept {
			rec, err := d.record(ctx, x.id)
			if err != nil {
				return nil, err
			}
			if !rec.Request.GrantedAt.IsZero() {
				out = append(out, rec.Request)
			}
			if len(out) == page.N {
				return out, nil
			}
		}
		if !from.left {
			return out, nil
		}
	}
}

// sampled draws a sample and reads its evidence: the entry of that verb, and its proof.
func (d *desk) sampled(ctx context.Context, page *evidencePage, population int, verb flows.Verb, of walk) (sample, error) {
	out := sample{Population: population}
	all, err := d.drawn(ctx, page, of)
	if err != nil {
		return out, err
	}
	var entries []flows.Sealed
	var which []int // item an entry is of
	for i := range all {
		out.Items = append(out.Items, d.sampledOf(&all[i], verb))
		chain, err := d.o.Archive.Entries(ctx, string(all[i].ID))
		if err != nil {
			return out, err
		}
		if at := slices.IndexFunc(chain, func(e flows.Sealed) bool { return e.Verb == string(verb) }); at >= 0 {
			entries, which = append(entries, chain[at]), append(which, i)
		}
	}
	proofs, err := audit.Include(ctx, d.o.Archive, entries)
	if err != nil {
		return out, err
	}
	for i := range proofs {
		s := &out.Items[which[i]]
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
