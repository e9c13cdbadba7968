package history_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/flows/audit/history"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// shelf is a past of n requests, newest first, each with its entries.
type shelf struct {
	n     int
	pages int
	fails int // at this page
}

// request is number i, of which 0 is the newest.
func (s *shelf) request(i int) flows.Request {
	c := flows.Content{
		Flow: "prod", Target: "db", Requester: "T/UDANA", Beneficiary: "T/UDANA", Duration: time.Hour,
		Reason:   flows.NewText("=HYPERLINK(\"http://evil\") <b>"),
		Incident: flows.IncidentRef{ID: "Q1", Number: 4711, Title: flows.NewText("Payments fail"), URL: "https://pd/Q1"},
		Fields:   []flows.FieldValue{{Name: "ticket", Value: flows.NewText("OPS-1")}},
	}
	id := flows.RequestID(fmt.Sprintf("req_%05d", s.n-i))
	return flows.Request{
		ID: id, Content: c, Hash: "h", State: flows.StateEnded, SubmittedAt: noon.Add(-time.Duration(i) * time.Minute),
		DecidedAt: noon, DecidedBy: "T/UMARA", Votes: []flows.Vote{{By: "T/UMARA", At: noon}}, EndedBy: "T/UDANA", EndWhy: flows.NewText("@done"),
	}
}

// Search implements history.Finder.
func (s *shelf) Search(_ context.Context, f flows.Search) (flows.Found, error) {
	if s.pages++; s.pages == s.fails {
		return flows.Found{}, errors.New("the disk is gone")
	}
	from := 0
	if f.After.ID != "" {
		if _, err := fmt.Sscanf(string(f.After.ID), "req_%d", &from); err != nil {
			return flows.Found{}, err
		}
		from = s.n - from + 1
	}
	var out flows.Found
	for i := from; i < s.n && len(out.Requests) < f.Limit; i++ {
		out.Requests = append(out.Requests, s.request(i))
	}
	if n := len(out.Requests); n > 0 && from+n < s.n {
		out.Next = flows.Place{At: noon, ID: out.Requests[n-1].ID}
	}
	return out, nil
}

// papers is a shelf that has documents, and reads every page twice, the first time in part.
type papers struct{ shelf }

// SearchDocs implements history.Documents.
func (p *papers) SearchDocs(ctx context.Context, f flows.Search, each func(i int, doc []byte) error) (flows.Place, error) {
	found, err := p.Search(ctx, f)
	for _, part := range [][]flows.Request{found.Requests[:len(found.Requests)/2], found.Requests} {
		for i := range part {
			doc, err := json.Marshal(&part[i])
			if err != nil {
				return flows.Place{}, err
			}
			if err := each(i, doc); err != nil {
				return flows.Place{}, err
			}
			clear(doc) // it is not to be kept
		}
	}
	return found.Next, err
}

// TestExportDocuments: an export is the same to the byte whether it is read as requests or
// as documents, and a page that does not come leaves the ones before it whole.
func TestExportDocuments(t *testing.T) {
	t.Parallel()
	for _, form := range []history.Form{history.FormJSON, history.FormJSONL, history.FormCSV} {
		for _, of := range []shelf{{}, {n: 1}, {n: 1001}, {n: 2003, fails: 3}} {
			requests, documents := of, papers{of}
			var want, got bytes.Buffer
			n, err := history.Exporter{Finder: &requests}.Write(t.Context(), &want, form, flows.Search{})
			m, other := history.Exporter{Finder: &documents}.Write(t.Context(), &got, form, flows.Search{})
			if n != m || (err == nil) != (other == nil) || want.String() != got.String() {
				t.Errorf("%s of %+v: %d requests, %v, and %d documents, %v, of %d bytes and %d", form, of, n, err, m, other, want.Len(), got.Len())
			}
		}
	}
}

// Entries implements history.Chains.
func (s *shelf) Entries(_ context.Context, chain string) ([]flows.Sealed, error) {
	dana := flows.Actor{Person: "T/UDANA", Door: flows.DoorSlack}
	sealed, _, err := flows.Seal(chain, flows.ChainHead{}, []flows.Entry{
		{Verb: "submit", To: flows.StateSubmitted, At: noon, Actor: dana, Facts: map[string]any{
			"reason": flows.Personal{About: "T/UDANA", Value: "secret"}, "list": []any{flows.Personal{About: "T/USAM", Value: "T/USAM"}, int64(7)},
		}},
		{Verb: "route", From: flows.StateSubmitted, To: flows.StatePending, At: noon, Actor: flows.ByEngine()},
		{Verb: "approve", From: flows.StatePending, To: flows.StateApproved, At: noon, Actor: flows.Actor{Person: "T/UMARA", Door: flows.DoorCLI}},
		{Verb: "granted", From: flows.StateGranting, To: flows.StateActive, At: noon, Actor: flows.ByEngine()},
		{Verb: "revoked", From: flows.StateEnding, To: flows.StateEnded, At: noon, Actor: flows.ByEngine()},
	}, func(b []byte) { b[0] = 1 })
	return sealed, err
}

// TestExport: however many pages there are, each request is written once, in order, in
// every form.
func TestExport(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 1000, 1001, 2403} {
		for _, form := range []history.Form{history.FormJSONL, history.FormJSON, history.FormCSV} {
			s := &shelf{n: n}
			var out bytes.Buffer
			told := 0
			x := history.Exporter{Finder: s, Progress: func(at int) { told = at }}
			wrote, err := x.Write(t.Context(), &out, form, flows.Search{})
			if err != nil || wrote != n || n > 1000 && told == 0 {
				t.Fatalf("%s of %d: wrote %d, told %d, %v", form, n, wrote, told, err)
			}
			if got := exported(t, form, out.String()); len(got) != n || n > 0 && (got[0] != s.request(0).ID || got[n-1] != s.request(n-1).ID) {
				t.Errorf("%s of %d: %d requests", form, n, len(got))
			}
		}
	}
}

// exported reads an export back.
func exported(t *testing.T, form history.Form, text string) (ids []flows.RequestID) {
	t.Helper()
	switch form {
	case history.FormJSON:
		var rows []history.Row
		if err := json.Unmarshal([]byte(text), &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
	case history.FormJSONL:
		for line := range strings.Lines(text) {
			var r history.Row
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, r.ID)
		}
	case history.FormCSV:
		records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records[1:] {
			ids = append(ids, flows.RequestID(r[0]))
		}
	}
	return ids
}

func TestExportBreaks(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	n, err := history.Exporter{Finder: &shelf{n: 2400, fails: 3}}.Write(t.Context(), &out, history.FormJSONL, flows.Search{})
	if err == nil || n != 2000 || strings.Count(out.String(), "\n") != 2000 {
		t.Errorf("wrote %d, %v", n, err)
	}
	if _, err := (history.Exporter{}).Write(t.Context(), &out, "xml", flows.Search{}); err == nil || !strings.Contains(err.Error(), "jsonl") {
		t.Errorf("a form that there is not: %v", err)
	}
}

// TestCell: no spreadsheet reads a value as a formula.
func TestCell(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"": "", "plain": "plain", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t'=1", "\r=1": "'\r'=1",
		" =1": "' =1", "＝1": "'＝1", "|cmd": "'|cmd", "%0A": "'%0A", "\u00a0+1": "'\u00a0+1", "O'Hara": "O'Hara",
		"stuck;=cmd|' /C calc'!A0;": "stuck;'=cmd|' /C calc'!A0;", "a; b": "a; b", "a; \u00a0＝1;@x": "a; \u00a0'＝1;'@x", "a\t-1": "a\t'-1", "a\n+1": "a\n'+1",
	} {
		if got := history.Cell(s); got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	}
	var out bytes.Buffer
	if _, err := (history.Exporter{Finder: &shelf{n: 1}}).Write(t.Context(), &out, history.FormCSV, flows.Search{}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, `'=HYPERLINK`) || !strings.Contains(text, "'@done") || strings.Contains(text, `,"=`) || strings.Contains(text, ",@") {
		t.Errorf("a formula got through:\n%s", text)
	}
}

// TestSym holds the events to Sym's shape, as a customer's parser reads them.
func TestSym(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &shelf{n: 1}
	x := history.Exporter{Finder: s, Chains: s, Name: func(p flows.PersonID) string { return strings.ToLower(p.User()[1:]) }}
	if _, err := x.Write(t.Context(), &out, history.FormSym, flows.Search{}); err != nil {
		t.Fatal(err)
	}
	type event struct {
		ID    string
		Type  string
		Meta  struct{ Schema_version int }
		State struct{ Status string }
		Run   struct{ Actors map[string]any }
		Event struct{ Type, Channel, Template, Timestamp string }
		Actor struct {
			Name     string
			Identity map[string]string
		}
		Fields   map[string]any
		Incident map[string]any
	}
	var kinds, who, channels []string
	ids := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		kinds, who, channels = append(kinds, e.Event.Type), append(who, e.Actor.Name), append(channels, e.Event.Channel)
		ids[e.ID] = true
		if e.Type != "event" || e.Meta.Schema_version != 6 || e.State.Status != "completed" || e.Event.Template != "sym:template:approval:1.0.0" ||
			e.Event.Timestamp != "2026-03-02T12:00:00.000000" || e.Actor.Identity["external_id"] != "T" || len(e.Run.Actors) != len(kinds) ||
			e.Fields["duration"] != 3600.0 || e.Incident["number"] != 4711.0 || e.Incident["id"] != "Q1" {
			t.Errorf("not an event: %s", line)
		}
	}
	if d := cmp.Diff([]string{"request", "approve", "escalate", "deescalate"}, kinds); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"dana", "mara", "mara", "dana"}, who); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"slack", "api", "internal", "internal"}, channels); d != "" || len(ids) != 4 {
		t.Error(d, ids)
	}
}

// TestEvent: what was erased is said to be, and a forged opening is not believed.
func TestEvent(t *testing.T) {
	t.Parallel()
	entries, err := (&shelf{}).Entries(t.Context(), "req_1")
	if err != nil {
		t.Fatal(err)
	}
	e := &entries[0]
	facts := func() any {
		t.Helper()
		got, err := history.EventOf(e)
		if err != nil {
			t.Fatal(err)
		}
		return got.Facts
	}
	if d := cmp.Diff(map[string]any{"reason": "secret", "list": []any{"T/USAM", json.Number("7")}}, facts()); d != "" {
		t.Error(d)
	}
	for i := range e.Openings {
		if e.Openings[i].Path == "facts.reason" {
			e.Openings[i].Value = "forged"
		}
		if e.Openings[i].About == "T/USAM" {
			e.Openings[i].Path = "gone"
		}
	}
	if d := cmp.Diff(map[string]any{"reason": history.Erased, "list": []any{history.Erased, json.Number("7")}}, facts()); d != "" {
		t.Error(d)
	}
	e.Bytes = []byte("{")
	if _, err := history.EventOf(e); err == nil {
		t.Error("half an entry was read")
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	if _, err := (history.Asker{}).Narrow(flows.Search{}); !errors.Is(err, history.ErrNobody) {
		t.Errorf("nobody sees something: %v", err)
	}
	f, err := history.Asker{Person: "T/USAM"}.Narrow(flows.Search{Viewer: "T/UDANA"})
	if err != nil || f.Viewer != "T/USAM" {
		t.Errorf("Sam looks as %q, %v", f.Viewer, err)
	}
	if f, err = (history.Asker{Person: "T/UAUDI", All: true}).Narrow(flows.Search{Viewer: "T/UDANA"}); err != nil || f.Viewer != "" {
		t.Errorf("an auditor looks as %q, %v", f.Viewer, err)
	}
	look := history.Look{What: history.LookExport, Form: "csv", Search: flows.Search{
		Flow: "prod", People: []flows.Involved{{Person: "T/UDANA", Part: flows.PartHolder}}, Words: []string{"rollback"},
	}}
	sealed, _, err := flows.Seal("system", flows.ChainHead{}, []flows.Entry{look.Entry(history.Asker{Person: "T/UAUDI", All: true, Door: flows.DoorWeb})}, func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	if b := string(sealed[0].Bytes); strings.Contains(b, "UDANA") || strings.Contains(b, "UAUDI") || strings.Contains(b, "rollback") || !strings.Contains(b, `"query":"flow:prod"`) {
		t.Errorf("the entry in the open: %s", b)
	}
	e, err := history.EventOf(&sealed[0])
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"what": "export", "form": "csv", "query": "flow:prod", "everything": true, "after": "", "words": []any{"rollback"},
		"people": []any{map[string]any{"part": json.Number("2"), "person": "T/UDANA"}},
	}
	if d := cmp.Diff(want, e.Facts); d != "" {
		t.Error(d)
	}
}
