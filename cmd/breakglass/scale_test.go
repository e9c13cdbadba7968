package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	main "breakglass/cmd/breakglass"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
	"breakglass/store"
	"breakglass/store/storetest"
)

// TestAuditAtScale makes up a past with `breakglass audit generate` and holds answers,
// exports, totals and the proof to a walk through all of it, and an entry to what it may
// take on disk. BREAKGLASS_ENTRIES says how many entries there are; 3,000 unless set, a
// fifth of it on PostgreSQL. How long things take is logged; exports are measured in turns
// with the sqlite3 command, and held to it.
func TestAuditAtScale(t *testing.T) {
	t.Parallel()
	n := 3000
	if said := os.Getenv("BREAKGLASS_ENTRIES"); said != "" {
		var err error
		if n, err = strconv.Atoi(said); err != nil || n < 3000 {
			t.Fatalf("BREAKGLASS_ENTRIES is %q, not a number of 3000 or more", said)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		if n < 100_000 { // memory is looked at
			t.Parallel()
		}
		file := filepath.Join(t.TempDir(), "past.db")
		p := generated(t, file, n)
		p.hold()
		weighs(t, file)
		if n >= 100_000 {
			p.exportProof()
			p.besideSQLite(file)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := storetest.Postgres(t)
		p := generated(t, dsn, max(n/5, 3000))
		p.hold()
		weighs(t, dsn)
		if n >= 100_000 {
			p.exportProof()
		}
	})
}

// bygone is a store with a made-up past.
type bygone struct {
	*testing.T
	s *store.Store
	n int // requests
}

func generated(t *testing.T, dsn string, entries int) *bygone {
	t.Helper()
	var out, errs bytes.Buffer
	began := time.Now()
	none := func(string) string { return "" }
	if code := main.Run(t.Context(), []string{"audit", "generate", "--db", dsn, "--entries", strconv.Itoa(entries)}, none, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("generate: %d, %s", code, errs.String())
	}
	var n int
	if _, err := fmt.Sscanf(out.String(), "%d requests", &n); err != nil {
		t.Fatalf("generate says %q: %v", out.String(), err)
	}
	t.Logf("generated in %s: %s", time.Since(began).Round(time.Millisecond), strings.TrimSpace(out.String()))
	s, err := store.Open(t.Context(), store.Options{DSN: dsn, ReadOnly: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bygone{T: t, s: s, n: n}
}

// probe is a question, and what it finds when everything is looked at.
type probe struct {
	kind    string
	search  flows.Search
	answers func(*flows.Request) bool
	want    []flows.RequestID // the first page
}

const firstPage = 50

// hold holds what is asked to what is there.
func (p *bygone) hold() {
	probes := p.probes()
	p.walk(probes)
	for _, q := range probes {
		q.search.Limit = firstPage
		found, err := p.s.Search(p.Context(), q.search)
		if err != nil {
			p.Fatal(err)
		}
		var got []flows.RequestID
		for _, r := range found.Requests {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(q.want, got); diff != "" || len(got) == 0 {
			p.Errorf("by %s, %+v:\n%s", q.kind, q.search, diff)
		}
	}
	p.pages(probes)
	p.moments()
	p.totals()
	p.proof()
}

// probes are questions of each kind about requests of all times.
func (p *bygone) probes() (all []*probe) {
	now := time.Now()
	for i := range 12 {
		found, err := p.s.Search(p.Context(), flows.Search{Until: now.AddDate(0, -3*i, -1), Limit: 1})
		if err != nil || len(found.Requests) != 1 {
			p.Fatalf("a request of %d months ago: %v, %v", 3*i, found, err)
		}
		r := found.Requests[0]
		c := &r.Content
		since, until := r.SubmittedAt.AddDate(0, 0, -30).Truncate(time.Millisecond), r.SubmittedAt.Add(time.Millisecond).Truncate(time.Millisecond)
		within := func(r *flows.Request) bool { return !r.SubmittedAt.Before(since) && r.SubmittedAt.Before(until) }
		word := c.Reason.Raw()[strings.Index(c.Reason.Raw(), "OPS-"):]
		if c.Incident.Number > 0 {
			all = append(all, &probe{kind: "incident", search: flows.Search{Number: c.Incident.Number}, answers: func(r *flows.Request) bool { return r.Content.Incident.Number == c.Incident.Number }})
		}
		all = append(all,
			&probe{
				kind: "person and time", search: flows.Search{People: []flows.Involved{{Person: c.Requester, Part: flows.AnyPart}}, Since: since, Until: until},
				answers: func(r *flows.Request) bool {
					return within(r) && slices.ContainsFunc(r.Parts(), func(in flows.Involved) bool { return in.Person == c.Requester })
				},
			},
			&probe{kind: "target", search: flows.Search{Target: c.Target}, answers: func(r *flows.Request) bool { return r.Content.Target == c.Target }},
			&probe{kind: "rare word", search: flows.Search{Words: []string{word}, Since: since, Until: until}, answers: func(r *flows.Request) bool {
				return within(r) && strings.Contains(r.Content.Reason.Raw(), word)
			}},
			&probe{kind: "common words", search: flows.Search{Words: []string{"Ledger", "ops-1"}, Since: since, Until: until}, answers: func(r *flows.Request) bool {
				said := strings.ToLower(r.Content.Reason.Raw() + "\n" + r.DenyWhy.Raw() + "\n" + r.EndWhy.Raw())
				return within(r) && strings.Contains(said, "ledger") && strings.Contains(said, "ops-1")
			}})
	}
	return slices.DeleteFunc(all, func(q *probe) bool { return q.kind == "common words" && p.n < 10_000 }) // there may be none
}

// walk looks at everything, newest first.
func (p *bygone) walk(probes []*probe) {
	n := 0
	var last flows.Request
	for f := (flows.Search{Limit: 500}); ; {
		found, err := p.s.Search(p.Context(), f)
		if err != nil {
			p.Fatal(err)
		}
		for i := range found.Requests {
			r := &found.Requests[i]
			if n++; n > 1 && !r.SubmittedAt.Before(last.SubmittedAt) && r.ID >= last.ID {
				p.Fatalf("%s comes after %s", r.ID, last.ID)
			}
			last = *r
			for _, q := range probes {
				if len(q.want) < firstPage && q.answers(r) {
					q.want = append(q.want, r.ID)
				}
			}
		}
		if found.Next.ID == "" {
			break
		}
		f.After = found.Next
	}
	if n != p.n {
		p.Fatalf("there are %d requests, want %d", n, p.n)
	}
}

// pages says how long first pages take.
func (p *bygone) pages(probes []*probe) {
	took := map[string][]time.Duration{}
	for range 20 {
		for _, q := range probes {
			began := time.Now()
			if _, err := p.s.Search(p.Context(), q.search); err != nil {
				p.Fatal(err)
			}
			took[q.kind] = append(took[q.kind], time.Since(began))
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		p.Logf("first page by %s: p50 %s, p99 %s", kind, all[len(all)/2], all[len(all)*99/100])
	}
}

// moments holds whose access began, and whose was over, in some weeks to a walk through all
// requests, and to the totals.
func (p *bygone) moments() {
	to := time.Now().UTC().Truncate(24*time.Hour).AddDate(-1, 0, 0)
	from := to.AddDate(0, -2, 3)
	want := map[string]map[flows.RequestID]bool{"granted": {}, "revoked": {}}
	for f := (flows.Search{Limit: 500}); ; {
		found, err := p.s.Search(p.Context(), f)
		if err != nil {
			p.Fatal(err)
		}
		for i := range found.Requests {
			r := &found.Requests[i]
			for verb, at := range map[string]time.Time{"granted": r.GrantedAt, "revoked": r.EndedAt} {
				if !r.GrantedAt.IsZero() && !at.Before(from) && at.Before(to) {
					want[verb][r.ID] = true
				}
			}
		}
		if f.After = found.Next; f.After.ID == "" {
			break
		}
	}
	sums, err := p.s.Sums(p.Context(), from, to.AddDate(0, 0, -1), "")
	if err != nil {
		p.Fatal(err)
	}
	for verb, walk := range map[string]func(context.Context, time.Time, time.Time, func(flows.RequestID)) error{"granted": p.s.EachGranted, "revoked": p.s.EachRevoked} {
		got, began := map[flows.RequestID]bool{}, time.Now()
		if err := walk(p.Context(), from, to, func(id flows.RequestID) { got[id] = true }); err != nil {
			p.Fatal(err)
		}
		p.Logf("%d requests %s within two months found in %s", len(got), verb, time.Since(began))
		if diff := cmp.Diff(want[verb], got); diff != "" || len(got) == 0 {
			p.Errorf("%s from %s to %s:\n%s", verb, from, to, diff)
		}
		n, name := 0, map[string]flows.TotalName{"granted": flows.TotalBegan, "revoked": flows.TotalOver}[verb]
		for _, t := range sums.Days {
			if t.Name == name {
				n += int(t.N)
			}
		}
		if n != len(got) {
			p.Errorf("%d requests were %s within the time, and the totals say %d", len(got), verb, n)
		}
	}
}

// totals holds the running totals to the number of requests.
func (p *bygone) totals() {
	began := time.Now()
	all, err := p.s.Totals(p.Context(), began.AddDate(-4, 0, 0), began)
	if err != nil {
		p.Fatal(err)
	}
	p.Logf("totals of three years: %s", time.Since(began))
	asked, over := 0, 0
	for _, total := range all {
		switch total.Name {
		case flows.TotalAsked:
			asked += int(total.N)
		case flows.TotalName(flows.StateEnded), flows.TotalName(flows.StateDenied), flows.TotalName(flows.StateLapsed):
			over += int(total.N)
		}
	}
	if asked != p.n || over < p.n*99/100 || over > p.n { // the last of them end after now
		p.Errorf("the totals say %d were asked and %d are over; there are %d", asked, over, p.n)
	}
}

// proof verifies everything.
func (p *bygone) proof() {
	began := time.Now()
	r, err := audit.Verify(p.Context(), audit.Live(p.s), audit.Options{Kept: p.s.EachTreeNode, Heads: p.s.EachHead})
	if err != nil {
		p.Fatal(err)
	}
	p.Logf("verified %d entries in %s: %.0f a second", r.Entries, time.Since(began).Round(time.Millisecond), float64(r.Entries)/time.Since(began).Seconds())
	if !r.OK() || r.Entries < int64(p.n)*5 {
		p.Errorf("verification of %d entries: %+v", r.Entries, r.Findings)
	}
	if r.Headless || len(r.Unended) > 0 {
		p.Errorf("chains end otherwise than their heads say: %v", r.Unended)
	}
	if err := errors.Join(p.s.VerifyHeads(p.Context()), p.s.VerifyPlaces(p.Context())); err != nil {
		p.Error(err)
	}
}

// besideSQLite holds exports to the sqlite3 command: as many rows in the time, and memory
// that does not grow with them. The command reads the same requests in the same order and
// prints what the table has of them, their document as it stands; it takes nothing apart.
func (p *bygone) besideSQLite(file string) {
	cli, err := exec.LookPath("sqlite3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			p.Fatal("sqlite3 is needed in CI")
		}
		p.Skip("the sqlite3 command is not on this machine")
	}
	const all = "SELECT id, version, state, flow, target, scope, requester, beneficiary, incident, hash, submitted_at, decided_at, " +
		"due_at, overdue, doc FROM requests ORDER BY submitted_at DESC, id DESC"
	warm := false // both have to read the disk first
	for form, than := range map[history.Form]struct {
		flag  string
		least float64
	}{history.FormJSONL: {"-json", 1}, history.FormCSV: {"-csv", 0.5}} {
		var ratios []float64
		for len(ratios) < 5 {
			ours := p.timed(func() error { return p.export(form) })
			theirs := p.timed(func() error {
				return exec.CommandContext(p.Context(), cli, "-readonly", than.flag, file, all).Run()
			})
			if !warm {
				warm = true
				continue
			}
			ratios = append(ratios, float64(theirs)/float64(ours))
			p.Logf("export as %s: %.0f rows a second, sqlite3 %s: %.0f", form, float64(p.n)/ours.Seconds(), than.flag, float64(p.n)/theirs.Seconds())
		}
		slices.Sort(ratios)
		p.Logf("export as %s has %.2f times the speed of sqlite3 %s (%.2f to %.2f)", form, ratios[2], than.flag, ratios[0], ratios[4])
		if ratios[2] < than.least {
			p.Errorf("an export as %s has %.2f times the speed of sqlite3 %s, less than %.2f", form, ratios[2], than.flag, than.least)
		}
	}
}

func (p *bygone) timed(f func() error) time.Duration {
	began := time.Now()
	if err := f(); err != nil {
		p.Fatal(err)
	}
	return time.Since(began)
}

// export writes everything to nowhere.
func (p *bygone) export(form history.Form) error {
	return watched(func(page func()) error {
		x := history.Exporter{Finder: p.s, Progress: func(int) { page() }}
		n, err := x.Write(context.WithoutCancel(p.Context()), io.Discard, form, flows.Search{})
		if err == nil && n != p.n {
			err = fmt.Errorf("%d requests were exported, not %d", n, p.n)
		}
		return err
	})
}

// exportProof writes the whole log with its proof to nowhere.
func (p *bygone) exportProof() {
	began := time.Now()
	err := watched(func(page func()) error {
		n, err := audit.Export(p.Context(), io.Discard, audit.Live(p.s), func(int64) { page() })
		p.Logf("exported %d entries with their proof: %.0f a second", n, float64(n)/time.Since(began).Seconds())
		return err
	})
	if err != nil {
		p.Error(err)
	}
}

// watched looks at the memory while something is exported, page by page.
func watched(export func(page func()) error) error {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	idle, peak, pages := heap(), uint64(0), 0
	err := export(func() {
		if pages++; pages%20 == 0 {
			peak = max(peak, heap())
		}
	})
	if err == nil && peak > idle+64<<20 {
		err = errors.New("the export took " + strconv.FormatUint((peak-idle)>>20, 10) + " MB more than there was")
	}
	return err
}
