package pagerduty_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
)

// Our own notes are read with when they were written, and whether somebody edited them.
func TestOwnNotes(t *testing.T) {
	w := newWorld(t)
	id := w.trigger("Checkout is down")
	w.must(w.pd.Note(t.Context(), id, "req_1:granted", "Dana has access."))
	w.must(w.pd.Note(t.Context(), id, "req_1:ended", "Dana's access ended."))
	_, err := w.fake.AddNote(string(id), "PEVE001", "restarted it")
	w.must(err)
	written := w.clock.Now()
	w.clock.Push(time.Minute)
	first := w.fake.Notes(string(id))[0]
	body := `{"note":{"content":"Eve has access."}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.fake.URL()+"/incidents/"+string(id)+"/notes/"+first.ID, strings.NewReader(body))
	w.must(err)
	req.Header.Set("Authorization", "Token token="+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("From", from)
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	w.must(resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the edit: %s", resp.Status)
	}
	own, err := w.pd.OwnNotes(t.Context(), id)
	w.must(err)
	if len(own) != 2 {
		t.Fatalf("%+v", own)
	}
	for _, n := range own {
		edited := n.Text == "Eve has access."
		if !n.Written.Equal(written.Truncate(time.Second)) || n.Edited.IsZero() == edited {
			t.Errorf("%+v", n)
		}
		if !edited && !strings.HasSuffix(n.Text, "\n"+pagerduty.NoteMark("req_1:ended")) {
			t.Errorf("%q has not the mark of its key", n.Text)
		}
	}
	var never *flows.Permanent
	if _, err := w.pd.OwnNotes(t.Context(), "PNOSUCH1"); !errors.As(err, &never) {
		t.Errorf("no such incident: %v", err)
	}
}
