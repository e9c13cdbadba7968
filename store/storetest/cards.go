package storetest

import (
	"time"

	"breakglass/flows"
)

func cardCases() []contractCase {
	return []contractCase{
		{"Card/Upsert", cardUpsert},
		{"Card/ByToken", cardByToken},
		{"Card/TokensAreUnique", func(f *fixture) {
			f.apply(flows.Change{Cards: []flows.Card{{ID: "c1", Token: "aa", Next: "bb"}, {ID: "c2"}, {ID: "c3"}}})
			f.refused(flows.Change{Cards: []flows.Card{{ID: "c2", Token: "aa"}}}, nil)
			f.refused(flows.Change{Cards: []flows.Card{{ID: "c2", Next: "bb"}}}, nil)
			f.apply(flows.Change{Cards: []flows.Card{{ID: "c1", Token: "bb"}}}) // the next became the current
			f.apply(flows.Change{Cards: []flows.Card{{ID: "c2", Token: "aa"}}})
		}},
	}
}

func cardUpsert(f *fixture) {
	f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	a := flows.Card{ID: "req_1/a", Request: "req_1", Kind: flows.CardApprover, To: "T/UMARA", Next: "n1"}
	b := flows.Card{ID: "req_1/b", Request: "req_1", Kind: flows.CardFYI, Channel: "#prod"}
	f.apply(flows.Change{Cards: []flows.Card{b, a}})
	f.same([]flows.Card{a, b}, f.load("req_1").Cards)
	a.TS, a.Token, a.Next, a.Version, a.PostedAt = "171.5", "n1", "", 4, noon.Add(time.Second)
	b.Channel = "C0PROD"
	f.apply(flows.Change{Cards: []flows.Card{a, b}})
	f.same([]flows.Card{a, b}, f.load("req_1").Cards)
}

func cardByToken(f *fixture) {
	card := flows.Card{ID: "c1", Request: "req_1", Token: "aa", Next: "bb"}
	f.apply(flows.Change{Cards: []flows.Card{card, {ID: "c2", Request: "req_1", Token: "cc"}}})
	for _, hash := range []string{"aa", "bb"} {
		got, err := f.s.CardByToken(f.ctx, hash)
		f.is(err, nil)
		f.same(card, got)
	}
	for _, hash := range []string{"", "AA", "a", "aa ", "%"} {
		if got, err := f.s.CardByToken(f.ctx, hash); err == nil {
			f.Errorf("token %q found card %s", hash, got.ID)
		} else {
			f.is(err, flows.ErrNotFound)
		}
	}
	card.Token, card.Next = "bb", ""
	f.apply(flows.Change{Cards: []flows.Card{card}})
	_, err := f.s.CardByToken(f.ctx, "aa")
	f.is(err, flows.ErrNotFound) // replaced, and the new one was confirmed
}
