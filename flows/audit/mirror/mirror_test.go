package mirror_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/mirror"
)

const (
	sam  = flows.PersonID("T0/U0SAM")
	mara = flows.PersonID("T0/U0MARA")
	noor = flows.PersonID("T0/U0NOOR")
	ours = "acme.example/breakglass"
	card = "https://acme.slack.com/archives/D0MARA/p1795316400000100"
)

var start = time.Date(2026, 11, 22, 2, 41, 0, 0, time.UTC)

// world is a log, a PagerDuty and a Slack.
type world struct {
	t        *testing.T
	requests []flows.Request
	chains   map[string][]flows.Sealed
	notes    map[flows.IncidentID][]mirror.Note
	cards    map[string]mirror.Card
	shut     error // what Slack says to all
	now      time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, chains: map[string][]flows.Sealed{}, notes: map[flows.IncidentID][]mirror.Note{"Q1": nil}, cards: map[string]mirror.Card{}, now: start.Add(time.Hour)}
}

func (w *world) Requests(_ context.Context, f flows.RequestFilter) ([]flows.Request, error) {
	if f.Before != "" {
		return nil, nil
	}
	return w.requests, nil
}

func (w *world) Entries(_ context.Context, chain string) ([]flows.Sealed, error) {
	return w.chains[chain], nil
}

func mark(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "[bg:" + hex.EncodeToString(sum[:6]) + "]"
}

func (w *world) compare() *mirror.Result {
	w.t.Helper()
	r, err := mirror.Compare(w.t.Context(), w, mirror.Outside{
		Notes: func(_ context.Context, id flows.IncidentID) ([]mirror.Note, error) {
			if notes, there := w.notes[id]; there {
				return notes, nil
			}
			return nil, &flows.Permanent{Err: fmt.Errorf("no incident %s", id)}
		},
		Mark: mark,
		Card: func(_ context.Context, channel, ts string) (mirror.Card, error) {
			c, there := w.cards[channel+"/"+ts]
			if w.shut == nil && !there {
				return c, fmt.Errorf("message: %w", flows.ErrNotFound)
			}
			return c, w.shut
		},
		Now: w.now, Ours: func(origin string) bool { return origin == ours },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// entry is one of a request of Sam's for incident Q1.
func entry(verb, from, to string, who flows.PersonID, link string) flows.Entry {
	e := flows.Entry{Verb: verb, From: flows.State(from), To: flows.State(to), At: start, Actor: flows.ByEngine(), Facts: map[string]any{"incident": "Q1"}}
	if who != "" {
		e.Actor = flows.Actor{Person: who, Door: flows.DoorSlack, Visit: flows.Visit{Permalink: link}}
	}
	if verb == "submit" {
		e.Facts["requester"] = flows.Personal{About: who, Value: string(who)}
	}
	return e
}

// records a request with entries, and what is sealed of them.
func (w *world) records(id flows.RequestID, entries ...flows.Entry) {
	w.t.Helper()
	salt := byte(0)
	sealed, head, err := flows.Seal(string(id), flows.ChainHead{}, entries, func(b []byte) { salt++; b[0] = salt })
	if err != nil {
		w.t.Fatal(err)
	}
	w.chains[string(id)] = sealed
	r := flows.Request{ID: id, Chain: head, Content: flows.Content{Requester: sam, Incident: flows.IncidentRef{ID: "Q1"}}}
	w.requests = slices.DeleteFunc(w.requests, func(have flows.Request) bool { return have.ID == id })
	w.requests = append(w.requests, r)
}

// noted writes the note on what of a request, as the program does; after is how many
// entries there were, 0 leaves them out as earlier versions did.
func (w *world) noted(id flows.RequestID, once string, after int, words string) {
	text := "[Breakglass " + id.Short() + "] " + words
	if after > 0 {
		e := w.chains[string(id)][after-1]
		text += " " + audit.Cite(ours, string(id), e.Seq, e.Hash).Line()
	}
	text += " In Slack: " + card + "\n" + mark(flows.JobKey(flows.JobNote, string(id)+"/"+once))
	w.notes["Q1"] = append(w.notes["Q1"], mirror.Note{Text: text, Written: start})
}

// shows puts a card up.
func (w *world) shows(at string, id flows.RequestID, how string) {
	w.cards[at] = mirror.Card{Own: true, Blocks: []mirror.Block{
		{Kind: "section", Text: ":white_check_mark: *<@U0SAM> asks for Orders*\n" + how},
		{Kind: "section", Text: "> Approved by <@U0EVE>, says the reason"}, {Kind: "actions", ID: "bg:actions:" + string(id)},
		{Kind: "context", Text: "`" + id.Short() + "` · asked today · Production"},
	}}
}

const id = flows.RequestID("req_01JD8Q0000ABCDEFGHJKMNPQRS")

// life is a request that who approved, with its note and the card.
func life(who flows.PersonID) []flows.Entry {
	return []flows.Entry{
		entry("submit", "", "submitted", sam, ""), entry("route", "submitted", "pending", "", ""),
		entry("approve", "pending", "approved", who, card), entry("granted", "granting", "active", "", ""),
	}
}

func lived(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.records(id, life(mara)...)
	w.noted(id, "granted", 4, "sam has access to Orders, approved by mara.")
	w.shows("D0MARA/1795316400.000100", id, "~Waiting~ → *Approved by <@U0MARA>*. Access works.")
	return w
}

// has fails unless the result is of so many notes and cards, and each list has a line
// with each of the words, in order.
func has(t *testing.T, r *mirror.Result, notes, cards int, findings, uncompared []string) {
	t.Helper()
	var found []string
	for _, f := range r.Findings {
		found = append(found, f.String())
	}
	if r.Notes != notes || r.Cards != cards {
		t.Errorf("%d notes and %d cards were compared, want %d and %d", r.Notes, r.Cards, notes, cards)
	}
	for name, pair := range map[string][2][]string{"findings": {findings, found}, "uncompared": {uncompared, r.Uncompared}} {
		same := len(pair[0]) == len(pair[1])
		for i := range pair[0] {
			same = same && strings.Contains(pair[1][i], pair[0][i])
		}
		if !same {
			t.Errorf("%s are\n%s\nwant\n%s", name, strings.Join(pair[1], "\n"), strings.Join(pair[0], "\n"))
		}
	}
}

// What fits is counted, and nothing else is said.
func TestAllFits(t *testing.T) {
	t.Parallel()
	has(t, lived(t).compare(), 1, 1, nil, nil)
}

// Another approver in the entries, consistently: note and card say who it was.
func TestAnotherApprover(t *testing.T) {
	t.Parallel()
	w := lived(t)
	w.records(id, life(noor)...)
	has(t, w.compare(), 1, 1, []string{
		"entry 4 of " + string(id) + ": the note of 2026-11-22 02:41:00 UTC on incident Q1 says “[Breakglass MNPQRS] sam has access to Orders, approved by mara.”; the entries say: approve by U0NOOR",
		"entry 3 of " + string(id) + ": the card " + card + " shows that U0MARA approved; the entries say: approve by U0NOOR",
	}, nil)
	w.notes["Q1"][0].Edited = start.Add(time.Minute)
	if r := w.compare(); !strings.Contains(r.Findings[0].What, "(the note was edited at 2026-11-22 02:42:00 UTC)") {
		t.Errorf("an edited note: %s", r.Findings[0])
	}
}

// What was taken out of the record is told by the note.
func TestRemoved(t *testing.T) {
	t.Parallel()
	w := lived(t)
	w.records(id, life(mara)[:3]...)
	has(t, w.compare(), 1, 1, []string{"the request has no such entry: they end with 3"}, nil)
	w = lived(t)
	w.requests, w.chains = nil, map[string][]flows.Sealed{}
	w.requests = []flows.Request{{ID: "req_other0", Content: flows.Content{Incident: flows.IncidentRef{ID: "Q1"}}}}
	has(t, w.compare(), 1, 0, []string{"no entry tells of that request"}, nil)
	w.notes["Q1"][0].Text = strings.Replace(w.notes["Q1"][0].Text, ours, "staging.example/breakglass", 1)
	has(t, w.compare(), 0, 0, nil, []string{"is of another log, staging.example/breakglass"})
}

// Notes of earlier versions are known by their marks alone.
func TestOldNotes(t *testing.T) {
	t.Parallel()
	w := lived(t)
	w.notes["Q1"] = nil
	w.noted(id, "granted", 0, "sam has access to Orders, approved by mara.")
	has(t, w.compare(), 1, 1, nil, nil)
	w.noted(id, "denied", 0, "sam asked for Orders and was denied by noor.")
	has(t, w.compare(), 2, 1, []string{"was denied by noor.”, and no entry tells of it; they say: approve by U0MARA"}, nil)
	w.notes["Q1"] = w.notes["Q1"][:1]
	w.noted("req_of_another_time", "granted", 0, "lena has access.")
	w.notes["Q1"] = append(w.notes["Q1"], mirror.Note{Text: "restarted the ledger"}, mirror.Note{})
	has(t, w.compare(), 1, 1, nil, []string{"names no entry, and is of no request that was looked at"})
}

// A note that a person deleted, or that is not written yet, is nothing against the log.
func TestMissingNotes(t *testing.T) {
	t.Parallel()
	w := lived(t)
	w.notes["Q1"] = nil
	has(t, w.compare(), 0, 1, nil, []string{"entry 4 of " + string(id) + " (granted at 2026-11-22 02:41:00 UTC): incident Q1 has no note on it. Somebody may have deleted"})
	w.now = start.Add(14 * time.Minute)
	has(t, w.compare(), 0, 1, nil, nil)
	w.now = start.Add(time.Hour)
	delete(w.notes, "Q1")
	has(t, w.compare(), 0, 1, nil, []string{"its incident cannot be read"})
}

// Two approvers: the first has a note of their own, whatever version it was given at.
func TestTwoApprovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.records(id, entry("submit", "", "submitted", sam, ""), entry("approve", "pending", "pending", noor, strings.Replace(card, "MARA", "NOOR", 1)),
		entry("approve", "pending", "approved", mara, card), entry("granted", "granting", "active", "", ""))
	w.noted(id, "approval/U0NOOR/7", 2, "noor approved access: 1 of 2 approvals.")
	w.noted(id, "granted", 4, "sam has access, approved by noor and mara.")
	for _, at := range []string{"D0MARA/1795316400.000100", "D0NOOR/1795316400.000100"} {
		w.shows(at, id, "*Approved by <@U0NOOR>, <@U0MARA|mara>*. Access works.")
	}
	has(t, w.compare(), 2, 2, nil, nil)
	w.notes["Q1"] = w.notes["Q1"][1:]
	has(t, w.compare(), 1, 2, nil, []string{"entry 2 of " + string(id) + " (approve by U0NOOR"})
}

// Who was erased leaves nothing to click on; the note fits all the same.
func TestErased(t *testing.T) {
	t.Parallel()
	w := lived(t)
	chain := w.chains[string(id)]
	for i := range chain {
		chain[i].Openings = slices.DeleteFunc(chain[i].Openings, func(o flows.Opening) bool { return o.About == mara })
	}
	has(t, w.compare(), 1, 0, nil, []string{"where 1 decisions were clicked was erased"})
}
