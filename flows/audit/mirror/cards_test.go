package mirror_test

import (
	"errors"
	"testing"

	"breakglass/flows"
	"breakglass/flows/audit/mirror"
)

const place = "D0MARA/1795316400.000100"

// What the message shows decides; what it does not show is said.
func TestCards(t *testing.T) {
	t.Parallel()
	is := func(how string) func(*world) { return func(w *world) { w.shows(place, id, how) } }
	for name, tc := range map[string]struct {
		verb, to        string
		edit            func(*world)
		found, uncanned []string
	}{
		"approved":            {"approve", "approved", is("*Approved by <@U0MARA>*."), nil, nil},
		"by another":          {"approve", "approved", is("*Approved by <@U0NOOR>*."), []string{"shows that U0NOOR approved"}, nil},
		"denied, on the card": {"approve", "approved", is("*Denied* by <@U0NOOR>: “no”."), []string{"shows that U0NOOR denied"}, nil},
		"still waiting":       {"approve", "approved", is("*Waiting for you.*"), nil, []string{"does not show approve"}},
		"denied":              {"deny", "denied", is("~Waiting~ → *Denied* by <@U0MARA>: “revoked by &lt;@U0EVE&gt;”."), nil, nil},
		"denied by another":   {"deny", "denied", is("~Waiting~ → *Denied* by <@U0NOOR>."), []string{"shows that U0NOOR denied"}, nil},
		"approved, then":      {"deny", "denied", is("*Approved by <@U0MARA>*."), []string{"shows that U0MARA approved"}, nil},
		"passed on":           {"forward", "pending", is("*Waiting for* <@U0LENA>."), nil, nil},
		"cancelled":           {"cancel", "cancelled", is("~Waiting~ → *Cancelled* by <@U0MARA>."), nil, nil},
		"cancelled by sam":    {"cancel", "cancelled", is("~Waiting~ → *Cancelled* by <@U0SAM>."), []string{"shows that it was U0SAM"}, nil},
		"reviewed":            {"review", "ended", is("~Waiting~ → *Reviewed* by <@U0MARA>: *in order*."), nil, nil},
		"reviewed by another": {"review", "ended", is("~Waiting~ → *Reviewed* by <@U0LENA>: *in order*."), []string{"it was U0LENA"}, nil},
		"another requester": {"approve", "approved", func(w *world) {
			w.shows(place, id, "*Approved by <@U0MARA>*.")
			w.cards[place].Blocks[0].Text = ":x: *<@U0EVE> asks for Orders*\n*Approved by <@U0MARA>*."
		}, []string{"shows that U0EVE asked"}, nil},
		"another request": {"approve", "approved", func(w *world) { w.shows(place, "req_other_ZZZZZZ", "") }, []string{"is the card of request ZZZZZZ"}, nil},
		"no card": {"approve", "approved", func(w *world) {
			w.cards[place] = mirror.Card{Own: true, Blocks: []mirror.Block{{Kind: "section", Text: "`MNPQRS` · asked "}}}
		}, nil, []string{"is no card of a request"}},
		"a person's":     {"approve", "approved", func(w *world) { w.cards[place] = mirror.Card{Person: true} }, []string{"which a person wrote"}, nil},
		"another app's":  {"approve", "approved", func(w *world) { w.cards[place] = mirror.Card{} }, nil, []string{"another app"}},
		"deleted":        {"approve", "approved", func(*world) {}, nil, []string{"is not there"}},
		"not to be read": {"approve", "approved", func(w *world) { w.shut = &flows.Permanent{Err: errors.New("missing_scope")} }, nil, []string{"cannot be read: missing_scope"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := entry("approve", "pending", "approved", mara, "")
			if tc.verb == "approve" || tc.verb == "deny" {
				first = entry("route", "submitted", "pending", "", "")
			}
			w.records(id, entry("submit", "", "submitted", sam, ""), first, entry(tc.verb, "pending", tc.to, mara, card))
			w.now = start
			tc.edit(w)
			cards := 1
			if tc.uncanned != nil || name == "a person's" {
				cards = 0
			}
			has(t, w.compare(), 0, cards, tc.found, tc.uncanned)
		})
	}
}

// How access ended is held to the card, too, and a link that is none is said.
func TestCardsOfEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ verb, how, found string }{
		{"revoke", "Approved by <@U0MARA>. ~Active~ → *Ended*: revoked by <@U0MARA>, “x”.", ""},
		{"revoke", "Approved by <@U0MARA>. ~Active~ → *Ended*: revoked by <@U0NOOR>.", "shows that it was U0NOOR"},
		{"done", "Approved by <@U0MARA>. ~Active~ → *Ending*: <@U0MARA> is done…", ""},
		{"done", "Approved by <@U0MARA>. ~Active~ → *Ended*: <@U0SAM> is done.", "shows that it was U0SAM"},
	} {
		w := newWorld(t)
		w.records(id, entry("submit", "", "submitted", sam, ""), entry("approve", "pending", "approved", mara, ""), entry(tc.verb, "active", "ending", mara, card))
		w.now = start
		w.shows(place, id, tc.how)
		var found []string
		if tc.found != "" {
			found = []string{tc.found}
		}
		has(t, w.compare(), 0, 1, found, nil)
	}
	w := newWorld(t)
	w.records(id, entry("submit", "", "submitted", sam, ""), entry("approve", "pending", "pending", mara, card), entry("deny", "pending", "denied", noor, ""))
	w.shows(place, id, "~Waiting~ → *Denied* by <@U0NOOR>.")
	w.now = start
	has(t, w.compare(), 0, 0, nil, []string{"does not show approve (any more"})
	w = newWorld(t)
	w.records(id, entry("submit", "", "submitted", sam, ""), entry("approve", "pending", "approved", mara, "https://acme.slack.com/x"))
	has(t, w.compare(), 0, 0, nil, []string{"is no address of a message"})
}
