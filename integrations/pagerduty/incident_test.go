package pagerduty_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/pagerdutyfake"
)

func (w *world) trigger(title string) flows.IncidentID {
	w.Helper()
	i, err := w.fake.Trigger("PSRV001", title, "")
	if err != nil {
		w.Fatal(err)
	}
	return flows.IncidentID(i.ID)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func TestReadOneIncident(t *testing.T) {
	w := newWorld(t)
	id := w.trigger("Checkout is\u202e down")
	byID, err := w.pd.Incident(t.Context(), string(id))
	w.must(err)
	byNumber, err := w.pd.Incident(t.Context(), strconv.Itoa(byID.Number))
	w.must(err)
	if byNumber.ID != id {
		t.Errorf("by number: %+v", byNumber)
	}
	if byID.Title.Raw() != "Checkout is down" || byID.Status != flows.IncidentTriggered || byID.ServiceID != "PSRV001" ||
		byID.Service != "Checkout" || byID.Urgency != "high" || !strings.HasPrefix(byID.URL, "https://acme.pagerduty.com/incidents/") ||
		!slices.Equal(byID.Assignees, []flows.PagerDutyUser{"PDANA01"}) || !byID.ReadAt.Equal(monday) || byID.MergedInto != "" {
		t.Errorf("%+v, title %q", byID, byID.Title.Raw())
	}
	parent := w.trigger("The data centre is down")
	w.must(w.fake.Merge(string(id), string(parent), "PDANA01"))
	merged, err := w.pd.Incident(t.Context(), string(id))
	w.must(err)
	if merged.Status != flows.IncidentResolved || merged.MergedInto != parent {
		t.Errorf("merged: %+v", merged)
	}
	w.clean()
}

func TestIncidentsThatAreNotThere(t *testing.T) {
	w := newWorld(t)
	if _, err := w.pd.Incident(t.Context(), "4711"); !errors.Is(err, pagerduty.ErrNoIncident) || !errors.Is(err, flows.ErrNotFound) {
		t.Errorf("no such number: %v", err)
	}
	before := w.sent()
	for _, id := range []string{"", "P1/../../users?query=x#", "../abilities", "4711 ", "-1", "PINC001\r\nX: 1", "%2e%2e"} {
		if _, err := w.pd.Incident(t.Context(), id); !errors.Is(err, pagerduty.ErrNoIncident) {
			t.Errorf("%q: %v", id, err)
		}
		var never *flows.Permanent
		if err := w.pd.Note(t.Context(), flows.IncidentID(id), "key", "text"); !errors.As(err, &never) {
			t.Errorf("note on %q: %v", id, err)
		}
		if _, err := w.pd.CreateIncident(t.Context(), "key", id, flows.NewText("title")); !errors.As(err, &never) {
			t.Errorf("create on %q: %v", id, err)
		}
	}
	if n := w.sent() - before; n != 0 {
		t.Errorf("%d requests went out for ids that are none", n)
	}
}

func TestIncidentAnswersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	const good = `{"incident":{"id":"PINC001","incident_number":7,"title":"x","status":"resolved","service":{"id":"PSRV001"},"assignments":[]}}`
	for name, body := range map[string]string{
		"empty":              `{}`,
		"another incident":   strings.Replace(good, "PINC001", "PINC002", 1),
		"no status":          strings.Replace(good, `"status":"resolved",`, ``, 1),
		"unknown status":     strings.Replace(good, `resolved`, `snoozed`, 1),
		"two statuses":       strings.Replace(good, `"status"`, `"status":"triggered","status"`, 1),
		"no number":          strings.Replace(good, `"incident_number":7,`, ``, 1),
		"merged into a path": strings.Replace(good, `"assignments"`, `"resolve_reason":{"type":"merge_resolve_reason","incident":{"id":"../x"}},"assignments"`, 1),
		"merged into none":   strings.Replace(good, `"assignments"`, `"resolve_reason":{"type":"merge_resolve_reason","incident":null},"assignments"`, 1),
	} {
		pd, _ := hostile(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		i, err := pd.Incident(t.Context(), "PINC001")
		var temporary *flows.Temporary
		if !errors.As(err, &temporary) || i.ID != "" {
			t.Errorf("%s: %+v, %v", name, i, err)
		}
	}
	for _, address := range []string{"javascript:alert(1)", "javascript://x/%0aalert(1)", "https://u:p@x.example/", "//x.example", "\\n"} {
		pd, _ := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Replace(good, `"assignments":[]`, `"html_url":"`+address+`","urgency":null,"assignments":null`, 1)))
		})
		if i, err := pd.Incident(t.Context(), "PINC001"); err != nil || i.URL != "" {
			t.Errorf("nulls and the address %s: %+v, %v", address, i, err)
		}
	}
}

// A search for a key that brings other incidents, as PagerDuty's does where alerts are
// grouped: none of them is taken for ours.
func TestOtherIncidentsAreNotTakenForOurs(t *testing.T) {
	t.Parallel()
	const mine = `{"id":"PINC002","incident_number":8,"title":"x","status":"triggered","service":{"id":"PSRV001"},"assignments":[],"incident_key":"req_1"}`
	posted := 0
	pd, _ := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/users":
			_, _ = w.Write([]byte(`{"users":[{"id":"PBREAK1","email":"` + from + `"}],"more":false}`))
		case r.Method == http.MethodPost:
			posted++
			_, _ = w.Write([]byte(`{"incident":` + mine + `}`))
		default:
			_, _ = w.Write([]byte(`{"incidents":[` + strings.NewReplacer("PINC002", "PINC001", "req_1", "alerts").Replace(mine) + `,` +
				strings.NewReplacer("PINC002", "PINC003", "PSRV001", "PSRV002").Replace(mine) + `],"more":false}`))
		}
	})
	i, err := pd.CreateIncident(t.Context(), "req_1", "PSRV001", flows.NewText("x"))
	if err != nil || i.ID != "PINC002" || posted != 1 {
		t.Errorf("%+v, %d posted, %v", i, posted, err)
	}
}

func TestPicker(t *testing.T) {
	w := newWorld(t)
	first, second, third := w.trigger("first"), w.trigger("second"), w.trigger("third")
	other, err := w.fake.Trigger("PSRV001", "sam's", "PSAM001")
	w.must(err)
	w.must(w.fake.Acknowledge(string(first), "PDANA01"))
	w.must(w.fake.Resolve(string(third), "PDANA01"))
	w.clock.Push(200 * 24 * time.Hour) // an old open incident is still open
	list := func(q flows.IncidentQuery) []flows.IncidentID {
		t.Helper()
		got, err := w.pd.OpenIncidents(t.Context(), q)
		w.must(err)
		var ids []flows.IncidentID
		for _, i := range got {
			ids = append(ids, i.ID)
		}
		return ids
	}
	if got := list(flows.IncidentQuery{Assignee: "PDANA01"}); !slices.Equal(got, []flows.IncidentID{first, second}) {
		t.Errorf("dana's: %v, want the acknowledged one first: %v", got, []flows.IncidentID{first, second})
	}
	if got := list(flows.IncidentQuery{}); !slices.Equal(got, []flows.IncidentID{first, flows.IncidentID(other.ID), second}) {
		t.Errorf("anybody's: %v", got)
	}
	if got := list(flows.IncidentQuery{Limit: 1}); len(got) != 1 {
		t.Errorf("with a limit of 1: %v", got)
	}
	if n := w.fake.Count("GET /incidents"); n != 1 {
		t.Errorf("three questions within ten seconds cost %d requests, want 1", n)
	}
	w.clock.Push(11 * time.Second)
	if got := list(flows.IncidentQuery{Assignee: "PDANA01"}); !slices.Equal(got, []flows.IncidentID{first, second}) {
		t.Errorf("dana's, out of everybody's: %v", got)
	}
	if got := list(flows.IncidentQuery{Assignee: "PSAM001"}); !slices.Equal(got, []flows.IncidentID{flows.IncidentID(other.ID)}) {
		t.Errorf("sam's, out of everybody's: %v", got)
	}
	if n := w.fake.Count("GET /incidents"); n != 2 {
		t.Errorf("after ten seconds: %d requests, want 2", n)
	}
	w.clean()
}

// One person's incidents are asked for where everybody's are too many to be all there.
func TestPickerWithMoreThanItShows(t *testing.T) {
	w := newWorld(t)
	sams, err := w.fake.Trigger("PSRV001", "sam's, the oldest", "PSAM001")
	w.must(err)
	for i := range 301 {
		w.trigger(fmt.Sprint("incident ", i))
	}
	all, err := w.pd.OpenIncidents(t.Context(), flows.IncidentQuery{})
	w.must(err)
	got, err := w.pd.OpenIncidents(t.Context(), flows.IncidentQuery{Assignee: "PSAM001"})
	w.must(err)
	if len(all) != 300 || len(got) != 1 || got[0].ID != flows.IncidentID(sams.ID) {
		t.Errorf("%d of anybody's, sam's: %v", len(all), got)
	}
	before := w.fake.Count("GET /incidents")
	w.clock.Push(11 * time.Second)
	_, err = w.pd.OpenIncidents(t.Context(), flows.IncidentQuery{Assignee: "PSAM001"})
	w.must(err)
	if n := w.fake.Count("GET /incidents") - before; n != 1 {
		t.Errorf("sam's, when it is known that there are too many: %d requests, want 1", n)
	}
	w.clean()
}

func TestReadManyIncidents(t *testing.T) {
	w := newWorld(t)
	var ids []flows.IncidentID
	for i := range 40 {
		ids = append(ids, w.trigger(fmt.Sprint("incident ", i)))
	}
	w.must(w.fake.Resolve(string(ids[7]), "PDANA01"))
	ask := append([]flows.IncidentID{"PNOSUCH1", "../x"}, ids...)
	got, err := w.pd.IncidentsByID(t.Context(), ask)
	w.must(err)
	if len(got) != 40 || got[ids[7]].Status != flows.IncidentResolved || got[ids[8]].Status != flows.IncidentTriggered {
		t.Errorf("%d read; 7 is %s, 8 is %s", len(got), got[ids[7]].Status, got[ids[8]].Status)
	}
	if n := w.sent(); n != 3 {
		t.Errorf("%d requests for 40 incidents, want 3: the list, the resolved one, the missing one", n)
	}
	// An incident that cannot be read is left out; the others are there.
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultDrop, Route: "GET /incidents/{id}"})
	got, err = w.pd.IncidentsByID(t.Context(), ask)
	if _, there := got[ids[7]]; err != nil || there || len(got) != 39 {
		t.Errorf("%d read, the unreadable one there: %v, %v", len(got), there, err)
	}
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultMissingKey, Route: "GET /incidents"})
	if got, err := w.pd.IncidentsByID(t.Context(), ids); err == nil || len(got) > 0 {
		t.Errorf("a list that is not believed: %d read, %v", len(got), err)
	}
	w.clean()
}

func TestNotesAreWrittenOnce(t *testing.T) {
	w := newWorld(t)
	id := w.trigger("Checkout is down")
	note := func(key, text string) error { return w.pd.Note(t.Context(), id, key, text) }
	w.must(note("req_1:granted", "Dana has access until 10:00.\u202e\x00"))
	w.must(note("req_1:granted", "Dana has access until 10:00."))
	w.must(note("req_1:ended", "Dana's access ended."))
	notes := w.fake.Notes(string(id))
	if len(notes) != 2 || notes[0].User != "PBREAK1" {
		t.Fatalf("%+v", notes)
	}
	if head, _, _ := strings.Cut(notes[0].Content, "\n"); head != "Dana has access until 10:00." {
		t.Errorf("content %q", notes[0].Content)
	}
	// The answer is lost after the note was written: the job tries again, harmlessly.
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultLostAnswer, Route: "POST /incidents/{id}/notes", Times: 1})
	var temporary *flows.Temporary
	if err := note("req_2:granted", "again"); !errors.As(err, &temporary) {
		t.Errorf("a lost answer: %v", err)
	}
	w.must(note("req_2:granted", "again"))
	if n := len(w.fake.Notes(string(id))); n != 3 {
		t.Errorf("%d notes, want 3", n)
	}
	// Somebody who copies the mark into a note of their own keeps nothing out.
	_, err := w.fake.AddNote(string(id), "PEVE001", w.fake.Notes(string(id))[2].Content)
	w.must(err)
	other := w.trigger("another")
	_, err = w.fake.AddNote(string(other), "PEVE001", w.fake.Notes(string(id))[0].Content)
	w.must(err)
	w.must(w.pd.Note(t.Context(), other, "req_1:granted", "Dana has access."))
	if n := len(w.fake.Notes(string(other))); n != 2 {
		t.Errorf("%d notes, want eve's and ours", n)
	}
	w.clean()
}

func TestNotesThatCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	id := w.trigger("Checkout is down")
	var never *flows.Permanent
	if err := w.pd.Note(t.Context(), "PNOSUCH1", "key", "text"); !errors.As(err, &never) || !errors.Is(err, pagerduty.ErrNoIncident) {
		t.Errorf("no such incident: %v", err)
	}
	for i := range 2000 {
		_, err := w.fake.AddNote(string(id), "PDANA01", fmt.Sprint("note ", i))
		w.must(err)
	}
	if err := w.pd.Note(t.Context(), id, "key", "text"); !errors.As(err, &never) || !strings.Contains(err.Error(), "2000 notes") {
		t.Errorf("a full incident: %v", err)
	}
	if n := w.fake.Count("POST /incidents/{id}/notes"); n != 0 {
		t.Errorf("%d notes were sent", n)
	}
}

func TestCreateIncident(t *testing.T) {
	w := newWorld(t)
	create := func(key string) (flows.Incident, error) {
		return w.pd.CreateIncident(t.Context(), key, "PSRV001", flows.NewText("Checkout\nis down "+strings.Repeat("x", 500)))
	}
	i, err := create("req_1")
	w.must(err)
	if i.Status != flows.IncidentTriggered || i.ServiceID != "PSRV001" || !strings.HasPrefix(i.Title.Raw(), "Checkout is down") || i.Title.Len() != 255 {
		t.Errorf("%+v, %q", i, i.Title.Raw())
	}
	again, err := create("req_1")
	w.must(err)
	// A lost answer, a repeat after it was resolved, and many at once: one incident.
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultLostAnswer, Route: "POST /incidents", Times: 1})
	var temporary *flows.Temporary
	if _, err := create("req_2"); !errors.As(err, &temporary) {
		t.Errorf("a lost answer: %v", err)
	}
	lost, err := create("req_2")
	w.must(err)
	w.must(w.fake.Resolve(string(lost.ID), "PDANA01"))
	resolved, err := create("req_2")
	w.must(err)
	if again.ID != i.ID || resolved.ID != lost.ID || resolved.Status != flows.IncidentResolved {
		t.Errorf("repeats: %s and %s, %s and %s (%s)", i.ID, again.ID, lost.ID, resolved.ID, resolved.Status)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := create("req_3"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(w.fake.Incidents()); n != 3 {
		t.Errorf("%d incidents, want 3", n)
	}
	for _, e := range w.fake.Ledger(0) {
		if e.Method == http.MethodPost && (e.Header.Get("From") != from || strings.Contains(e.Body, "priority") || !json.Valid([]byte(e.Body))) {
			t.Errorf("From %q, body %s", e.Header.Get("From"), e.Body)
		}
		if e.Method == http.MethodGet && e.Header.Get("From") != "" {
			t.Errorf("%s carries From", e.Path)
		}
	}
	w.clean()
}

func TestCreateIncidentThatIsRefused(t *testing.T) {
	w := newWorld(t)
	var never *flows.Permanent
	for _, c := range []struct{ service, title string }{{"PNOSUCH1", "title"}, {"PSRV001", " \n "}} {
		if _, err := w.pd.CreateIncident(t.Context(), "key", c.service, flows.NewText(c.title)); !errors.As(err, &never) {
			t.Errorf("%q on %s: %v", c.title, c.service, err)
		}
	}
	if n := len(w.fake.Incidents()); n != 0 {
		t.Errorf("%d incidents", n)
	}
}

func isPermanent(err error) bool {
	var never *flows.Permanent
	return errors.As(err, &never)
}

func TestAuthor(t *testing.T) {
	t.Run("nobody", func(t *testing.T) {
		w := newWorld(t, func(o *pagerduty.Options, _ *pagerdutyfake.Options) { o.From = "" })
		if err := w.pd.Note(t.Context(), w.trigger("x"), "key", "text"); !isPermanent(err) || !strings.Contains(err.Error(), "from") {
			t.Error(err)
		}
	})
	t.Run("a display name is no login", func(t *testing.T) {
		w := newWorld(t, func(o *pagerduty.Options, _ *pagerdutyfake.Options) { o.From = "nobody@acme.example" })
		w.addUser("PFAKE01", "nobody@acme.example", "x@acme.example")
		if err := w.pd.Note(t.Context(), w.trigger("x"), "key", "text"); !isPermanent(err) || !strings.Contains(err.Error(), "no user with the login") {
			t.Error(err)
		}
		w.must(w.pd.Start(t.Context()))
		w.until("the warning", func() bool { return strings.Contains(w.logs.String(), "no user with the login") })
	})
	t.Run("whatever the case", func(t *testing.T) {
		w := newWorld(t)
		u, err := w.pd.UserByEmail(t.Context(), "Dana@ACME.example")
		if err != nil || u.ID != "PDANA01" {
			t.Errorf("%+v, %v", u, err)
		}
		if _, err := w.pd.UserByEmail(t.Context(), "acme.example"); !errors.Is(err, flows.ErrNotFound) {
			t.Errorf("a part of an address: %v", err)
		}
	})
	t.Run("deleted later", func(t *testing.T) {
		w := newWorld(t)
		id := w.trigger("x")
		w.must(w.pd.Note(t.Context(), id, "one", "text"))
		w.fake.RemoveUser("PBREAK1")
		if err := w.pd.Note(t.Context(), id, "two", "text"); !isPermanent(err) || !strings.Contains(err.Error(), "1008") {
			t.Error(err)
		}
		w.addUser("PBREAK2", "Breakglass", from)
		w.must(w.pd.Note(t.Context(), id, "two", "text"))
		w.must(w.pd.Note(t.Context(), id, "two", "text"))
		if n := len(w.fake.Notes(string(id))); n != 2 {
			t.Errorf("%d notes, want 2: the new author knows its own", n)
		}
	})
}

func (w *world) addUser(id, name, email string) {
	w.Helper()
	_, err := w.fake.AddUser(pagerdutyfake.User{ID: id, Name: name, Email: email})
	w.must(err)
}

func TestHealth(t *testing.T) {
	check := func(t *testing.T, key pagerdutyfake.Key, change func(*pagerduty.Options, *pagerdutyfake.Options)) (*world, pagerduty.Health) {
		w := newWorld(t, func(o *pagerduty.Options, f *pagerdutyfake.Options) {
			f.Keys = []pagerdutyfake.Key{key}
			if change != nil {
				change(o, f)
			}
		})
		return w, w.pd.Check(t.Context())
	}
	t.Run("well", func(t *testing.T) {
		w, h := check(t, pagerdutyfake.Key{Token: token}, nil)
		if h.Token != flows.Yes || h.From != flows.Yes || h.Author != "PBREAK1" || h.CanWrite != flows.Unknown || len(h.Abilities) == 0 || len(h.Problems) > 0 {
			t.Errorf("%+v", h)
		}
		w.must(w.pd.Note(t.Context(), w.trigger("x"), "key", "text"))
		if h := w.pd.Check(t.Context()); h.CanWrite != flows.Yes {
			t.Errorf("after a write: %+v", h)
		}
		w.clean()
	})
	t.Run("read-only", func(t *testing.T) {
		w, h := check(t, pagerdutyfake.Key{Token: token, Kind: pagerdutyfake.KeyReadOnly}, nil)
		if h.Token != flows.Yes || h.CanWrite != flows.Unknown {
			t.Errorf("%+v", h)
		}
		var never *flows.Permanent
		if err := w.pd.Note(t.Context(), w.trigger("x"), "key", "text"); !errors.As(err, &never) || !strings.Contains(err.Error(), "read-only key") {
			t.Error(err)
		}
		if h := w.pd.Check(t.Context()); h.CanWrite != flows.No || len(h.Problems) != 1 {
			t.Errorf("after a write: %+v", h)
		}
	})
	t.Run("wrong key", func(t *testing.T) {
		_, h := check(t, pagerdutyfake.Key{Token: "another"}, nil)
		if h.Token != flows.No || len(h.Problems) != 1 || strings.Contains(h.Problems[0], token) {
			t.Errorf("%+v", h)
		}
	})
	t.Run("wrong from", func(t *testing.T) {
		_, h := check(t, pagerdutyfake.Key{Token: token}, func(o *pagerduty.Options, _ *pagerdutyfake.Options) { o.From = "x@acme.example" })
		if h.Token != flows.Yes || h.From != flows.No || len(h.Problems) != 1 {
			t.Errorf("%+v", h)
		}
	})
	t.Run("down", func(t *testing.T) {
		w := newWorld(t)
		w.must(w.fake.Close())
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if h := w.pd.Check(ctx); h.Token != flows.Unknown || len(h.Problems) != 1 {
			t.Errorf("%+v", h)
		}
	})
}

func TestResolveForDoctor(t *testing.T) {
	w := newWorld(t)
	p, err := w.pd.ResolvePolicy(t.Context(), "mgr_on_call")
	if err != nil || p != (pagerduty.Named{ID: "PMGR001", Name: "mgr_on_call"}) {
		t.Errorf("%+v, %v", p, err)
	}
	s, err := w.pd.ResolveSchedule(t.Context(), "PSCHED1")
	if err != nil || s != (pagerduty.Named{ID: "PSCHED1", Name: "Managers"}) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := w.pd.ResolvePolicy(t.Context(), "nobody"); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Error(err)
	}
}
