package records_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/bot/records"
	"breakglass/bot/web"
	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/doors"
	"breakglass/store"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// archive is a store with a past, behind real HTTP.
type archive struct {
	*testing.T
	s   *store.Store
	url string
}

// ids makes what a recorder needs.
type ids struct{}

func (ids) RequestID(time.Time) flows.RequestID { return "req_new" }
func (ids) Random(b []byte)                     { b[0] = 7 }

// open fills a store with n requests of Dana's for incident 4711, one a minute, and one
// of Sam's for no incident; edit changes the ports.
func open(t *testing.T, n int, edit ...func(*records.Options)) *archive {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "past.db"), Now: func() time.Time { return noon }})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	a := &archive{T: t, s: s}
	var all sync.WaitGroup // together, so that they are committed together
	errs := make([]error, n+1)
	for i := range n {
		all.Go(func() { errs[i] = a.write(i, "T/UDANA", flows.IncidentRef{ID: "Q1", Number: 4711}) })
	}
	all.Go(func() { errs[n] = a.write(n, "T/USAM", flows.IncidentRef{}) })
	all.Wait()
	must(t, errors.Join(errs...))
	clock := flows.NewHandClock(noon)
	o := records.Options{
		Finder: s, Timelines: s, Calls: s, Proofs: s, Clock: clock, Person: func(p string) (flows.PersonID, error) { return flows.PersonID("T/U" + strings.ToUpper(p)), nil },
		Engine: flows.NewEngine(flows.Options{Ledger: s, Chains: s, Clock: clock, IDs: ids{}}),
	}
	for _, e := range edit {
		e(&o)
	}
	srv := httptest.NewServer(behindDoors(records.New(o), clock))
	t.Cleanup(srv.Close)
	a.url = srv.URL
	return a
}

// behindDoors serves the operations to whoever the header names.
func behindDoors(x *records.Records, clock flows.Clock) http.Handler {
	w := web.New(web.Options{Clock: clock, Console: func() string { return "" }, Owner: func(r *http.Request) *doors.Caller {
		return &doors.Caller{Known: flows.Known{Profile: flows.Profile{Person: flows.PersonID(r.Header.Get("Test-Person"))}}, Door: flows.DoorAPI}
	}})
	who := web.Reads.OrOwner()
	return w.Routes([]web.Door{
		web.Operation("GET", "/v1/audit", who, "x", asking(x.List)), web.Operation("GET", "/v1/audit/requests/{id}", who, "x", asking(x.Request)),
		web.Operation("GET", "/v1/audit/requests/{id}/calls", who, "x", asking(x.Calls)),
		web.Operation("GET", "/v1/audit/incidents/{id}", who, "x", asking(x.Timeline)), web.Operation("GET", "/v1/audit/totals", who, "x", asking(x.Totals)),
		web.Streaming("GET", "/v1/audit/export", who, "x", records.ExportTypes, asking(x.Export)), web.Operation("GET", "/v1/audit/proof", who, "x", asking(x.Proof)),
	})
}

func asking[I, O any](h func(context.Context, history.Asker, *I) (O, error)) func(context.Context, *doors.Caller, *I) (O, error) {
	return func(ctx context.Context, c *doors.Caller, in *I) (O, error) {
		return h(ctx, history.Asker{Person: c.Person, All: c.Person == "T/UAUDI", Door: c.Door}, in)
	}
}

func (a *archive) write(i int, who flows.PersonID, inc flows.IncidentRef) error {
	c := flows.Content{
		Flow: "prod", Target: "db", Scope: flows.Scope(fmt.Sprint(i)), Requester: who, Beneficiary: who, Duration: time.Hour,
		Reason: flows.NewText(fmt.Sprintf("<b>reason</b> %d", i)), Incident: inc,
	}
	at := noon.Add(time.Duration(i-1000) * time.Minute)
	r := flows.Request{ID: flows.RequestID(fmt.Sprintf("req_%05d", i)), Version: 1, State: flows.StateSubmitted, Content: c, SubmittedAt: at}
	entry := flows.Entry{Verb: "submit", To: r.State, At: at, Actor: flows.Actor{Person: who, Door: flows.DoorSlack}, Facts: map[string]any{
		"reason": flows.Personal{About: who, Value: c.Reason.Raw()},
	}}
	sealed, head, err := flows.Seal(string(r.ID), flows.ChainHead{}, []flows.Entry{entry}, func([]byte) {})
	if err != nil {
		return err
	}
	r.Chain = head
	_, err = a.s.Apply(a.Context(), flows.Change{Request: &r, Entries: sealed})
	return err
}

// get asks as a person and gives status and body.
func (a *archive) get(who, path string) (int, string, http.Header) {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), http.MethodGet, a.url+path, nil)
	must(a.T, err)
	if who != "" {
		req.Header.Set("Test-Person", "T/U"+strings.ToUpper(who))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	must(a.T, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, "cut off", resp.Header
	}
	return resp.StatusCode, string(body), resp.Header
}

// reads reads JSON that must be there.
func reads[T any](a *archive, who, path string) (v T) {
	a.Helper()
	status, body, _ := a.get(who, path)
	if status != http.StatusOK {
		a.Fatalf("%s as %s: %d %s", path, who, status, body)
	}
	must(a.T, json.Unmarshal([]byte(body), &v))
	return v
}

func q(s string) string { return url.QueryEscape(s) }

func TestList(t *testing.T) {
	t.Parallel()
	a := open(t, 30)
	var seen []flows.RequestID
	for after := ""; ; {
		p := reads[history.Page](a, "audi", "/v1/audit?limit=12&after="+after)
		for _, r := range p.Requests {
			seen = append(seen, r.ID)
		}
		if after = p.Next; after == "" {
			break
		}
		if !p.Recorded {
			t.Error("a look was not recorded")
		}
	}
	if len(seen) != 31 || seen[0] != "req_00030" || seen[30] != "req_00000" {
		t.Errorf("all pages have %d: %v", len(seen), seen)
	}
	a.looked(1) // however many pages
	for _, c := range []struct {
		who, query string
		want       int
	}{
		{"audi", "incident 4711", 30}, {"audi", "@sam", 1}, {"sam", "", 1}, {"sam", "@dana", 0}, {"dana", "me last 1y", 30},
		{"audi", `"REASON" since:2026`, 31}, {"audi", "reason:\"reason< 2\"", 0}, {"dana", "incident:Q1 denied", 0},
	} {
		if p := reads[history.Page](a, c.who, "/v1/audit?q="+q(c.query)); len(p.Requests) != c.want {
			t.Errorf("%s asks %q: %d, want %d", c.who, c.query, len(p.Requests), c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	a := open(t, 2)
	for _, c := range []struct {
		who, path string
		status    int
		says      string
	}{
		{"audi", "/v1/audit?q=" + q("tarqet:db"), 422, "Did you mean target:db?"},
		{"audi", "/v1/audit?limit=0", 422, "number >= 1"},
		{"audi", "/v1/audit?after=x", 422, "not the place of a page"},
		{"", "/v1/audit", 403, "not known who asks"},
		{"sam", "/v1/audit/requests/req_00000", 404, "not yours to see"},
		{"", "/v1/audit/requests/req_00000", 404, "not yours to see"},
		{"audi", "/v1/audit/requests/req_none", 404, "not yours to see"},
		{"audi", "/v1/audit/incidents/9", 404, "not yours to see"},
		{"audi", "/v1/audit/incidents/no-such", 422, "neither the number nor the id"},
		{"audi", "/v1/audit/incidents/Q1?after=1", 422, "not the place of a page"},
		{"sam", "/v1/audit/totals", 403, "for auditors and admins"},
		{"audi", "/v1/audit/totals?since=soon", 422, "no date"},
		{"audi", "/v1/audit/export?format=xml", 422, "jsonl, json, csv, sym"},
		{"audi", "/v1/audit/proof", 422, "Nothing was named"},
		{"audi", "/v1/audit/proof?seq=3", 422, "Nothing was named"},
		{"audi", "/v1/audit/proof?chain=req_00000", 422, "not said"},
		{"audi", "/v1/audit/proof?chain=req_00000&seq=-1", 422, "number >= 0"},
		{"audi", "/v1/audit/proof?chain=req_00000&seq=1", 404, "covered within a minute"},
		{"sam", "/v1/audit/proof?chain=req_00000&seq=1", 404, "not yours to see"},
		{"", "/v1/audit/proof?chain=system&seq=1", 404, "not yours to see"},
		{"", "/v1/audit/export", 403, "not known who asks"},
	} {
		status, body, head := a.get(c.who, c.path)
		if status != c.status || !strings.Contains(body, c.says) || head.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s as %q: %d %s", c.path, c.who, status, body)
		}
	}
}

func TestStoryAndTimeline(t *testing.T) {
	t.Parallel()
	a := open(t, 3)
	story := reads[history.Story](a, "dana", "/v1/audit/requests/req_00001")
	if len(story.Entries) != 1 || story.Request.Reason != "<b>reason</b> 1" || story.Entries[0].Facts.(map[string]any)["reason"] != "<b>reason</b> 1" {
		t.Errorf("the story: %+v", story)
	}
	for _, ref := range []string{"4711", "Q1"} {
		line := reads[records.IncidentPage](a, "audi", "/v1/audit/incidents/"+ref)
		if len(line.Events) != 3 || line.Incident != "Q1" || line.Events[0].Chain != "req_00000" || line.Next != "" {
			t.Errorf("the time-line of %s: %+v", ref, line)
		}
	}
	_, unknown, _ := a.get("sam", "/v1/audit/incidents/9")
	for _, ref := range []string{"4711", "Q1", "Q2"} { // theirs, and none: nobody else can tell which
		if status, body, _ := a.get("sam", "/v1/audit/incidents/"+ref); status != 404 || body != unknown {
			t.Errorf("Sam reads of %s: %d %s", ref, status, body)
		}
	}
	_, err := a.s.EraseOpenings(t.Context(), "T/UDANA")
	must(t, err)
	story = reads[history.Story](a, "audi", "/v1/audit/requests/req_00001")
	if story.Entries[0].Facts.(map[string]any)["reason"] != history.Erased {
		t.Errorf("after the erasure: %+v", story.Entries)
	}
}

// TestLongTimeline: a time-line is read page by page.
func TestLongTimeline(t *testing.T) {
	t.Parallel()
	a := open(t, 620)
	n, after, second := 0, "", ""
	for range 3 {
		line := reads[records.IncidentPage](a, "audi", "/v1/audit/incidents/4711?after="+after)
		for _, e := range line.Events {
			if want := fmt.Sprintf("req_%05d", n); e.Chain != want {
				t.Fatalf("event %d is of %s", n, e.Chain)
			}
			n++
		}
		if after = line.Next; after == "" {
			break
		}
		second = after
	}
	if n != 620 {
		t.Errorf("%d events", n)
	}
	a.looked(1)
	middle := reads[records.IncidentPage](a, "dana", "/v1/audit/incidents/4711?after="+second)
	if a.looked(2); len(middle.Events) == 0 { // a page that nobody turned to is a look
		t.Error("the second page is empty")
	}
}

// TestOwnTimeline: who sees only their own requests of an incident gets all of these, each
// once, and learns from the pages neither how many others there are nor when they were.
func TestOwnTimeline(t *testing.T) {
	t.Parallel()
	a := open(t, 620)
	must(t, a.write(700, "T/UPAT", flows.IncidentRef{ID: "Q1", Number: 4711}))
	for _, after := range []string{"", "1.1"} {
		line := reads[records.IncidentPage](a, "pat", "/v1/audit/incidents/4711?after="+after)
		if len(line.Events) != 1 || line.Events[0].Chain != "req_00700" || line.Next != "" {
			t.Errorf("from %q on Pat reads %d events, and more from %q on", after, len(line.Events), line.Next)
		}
	}
	seen, after := map[string]int{}, ""
	for more := true; more; more = after != "" {
		line := reads[records.IncidentPage](a, "dana", "/v1/audit/incidents/4711?after="+after)
		for _, e := range line.Events {
			seen[e.Chain]++
		}
		after = line.Next
	}
	if len(seen) != 620 || seen["req_00700"] != 0 || slices.Max(slices.Collect(maps.Values(seen))) != 1 {
		t.Errorf("Dana reads %d chains: %v", len(seen), seen)
	}
}

// looked holds how many looks are recorded.
func (a *archive) looked(want int) {
	a.Helper()
	entries, err := a.s.Entries(a.Context(), "system")
	must(a.T, err)
	if len(entries) != want {
		a.Errorf("%d looks are recorded, want %d", len(entries), want)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	a := open(t, 1100)
	status, body, head := a.get("audi", "/v1/audit/export?q=@dana")
	if status != 200 || strings.Count(body, "\n") != 1100 || head.Get("Breakglass-Recorded") != "true" ||
		head.Get("Content-Disposition") != `attachment; filename="breakglass-audit.jsonl"` || head.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("jsonl: %d, %d lines, %v", status, strings.Count(body, "\n"), head)
	}
	_, body, _ = a.get("dana", "/v1/audit/export?format=csv")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 1101 {
		t.Errorf("csv: %d rows, %v", len(rows), err)
	}
	_, body, _ = a.get("audi", "/v1/audit/export?format=sym&q=@sam")
	if strings.Count(body, "\n") != 1 || !strings.Contains(body, `"type":"request"`) {
		t.Errorf("sym: %s", body)
	}
	if n := len(reads[[]history.Row](a, "audi", "/v1/audit/export?format=json&q="+q("incident 4711"))); n != 1100 {
		t.Errorf("json: %d rows", n)
	}
}

func TestTotals(t *testing.T) {
	t.Parallel()
	a := open(t, 3)
	got := reads[struct {
		Totals []struct {
			Day, Flow, Name string
			N               int
		}
	}](a, "audi", "/v1/audit/totals?since=2026-03-01&until=2026-03-02")
	if len(got.Totals) != 1 || got.Totals[0].Day != "2026-03-01" || got.Totals[0].Name != "asked" || got.Totals[0].N != 4 {
		t.Errorf("totals: %+v", got)
	}
	none := reads[struct{ Totals []any }](a, "audi", "/v1/audit/totals?until=2026-02")
	if len(none.Totals) != 0 {
		t.Errorf("totals of February: %v", none)
	}
}

// TestLooksAreRecorded: each look is an entry, with who looked and through which door.
func TestLooksAreRecorded(t *testing.T) {
	t.Parallel()
	a := open(t, 1)
	for _, path := range []string{"", "/requests/req_00000", "/incidents/4711", "/export?format=csv", "/totals"} {
		if status, body, _ := a.get("audi", "/v1/audit"+path); status != 200 {
			t.Fatalf("%s: %d %s", path, status, body)
		}
	}
	entries, err := a.s.Entries(t.Context(), "system")
	must(t, err)
	events, err := history.Events(entries)
	must(t, err)
	var what []string
	for _, e := range events {
		what = append(what, fmt.Sprint(e.Facts.(map[string]any)["what"]))
		if e.Verb != "audit_read" || e.Who() != "T/UAUDI" {
			t.Errorf("the entry is %+v", e)
		}
	}
	if got := strings.Join(what, " "); got != "list request timeline export charts" {
		t.Errorf("recorded: %s", got)
	}
	if err := a.s.VerifyTail(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// broken is a store whose disk goes at a page.
type broken struct {
	records.Finder
	at, page int
}

func (b *broken) Search(ctx context.Context, f flows.Search) (flows.Found, error) {
	if b.page++; b.page >= b.at {
		return flows.Found{}, errors.New("the secret path /var/x is gone")
	}
	return b.Finder.Search(ctx, f)
}

// full is an engine that cannot write.
type full struct{ records.Engine }

func (full) Record(context.Context, string, flows.Entry, flows.Finish) error {
	return flows.ErrReadOnly
}

// TestBadDays: half an export is no export; what broke is not told; a look that cannot be
// recorded is shown, and says so.
func TestBadDays(t *testing.T) {
	t.Parallel()
	a := open(t, 1100, func(o *records.Options) { o.Finder = &broken{Finder: o.Finder, at: 2} })
	if _, body, _ := a.get("audi", "/v1/audit/export"); body != "cut off" {
		t.Error("an export that broke was read to its end")
	}
	if status, body, _ := a.get("audi", "/v1/audit"); status != 500 || strings.Contains(body, "secret") {
		t.Errorf("a page that broke: %d %s", status, body)
	}
	a = open(t, 1, func(o *records.Options) { o.Engine = full{o.Engine} })
	if p := reads[history.Page](a, "audi", "/v1/audit"); p.Recorded || len(p.Requests) != 2 {
		t.Errorf("on a full disk: %+v", p)
	}
	if _, _, head := a.get("audi", "/v1/audit/export"); head.Get("Breakglass-Recorded") != "false" {
		t.Errorf("an export on a full disk: %v", head)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
