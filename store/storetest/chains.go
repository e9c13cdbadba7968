package storetest

import (
	"context"
	"strconv"
	"time"

	"breakglass/flows"
)

func chainCases() []contractCase {
	return []contractCase{
		{"Chain/Empty", func(f *fixture) {
			head, err := f.s.ChainHead(f.ctx, "system")
			f.is(err, nil)
			f.same(flows.ChainHead{}, head)
			f.same([]flows.Sealed(nil), f.entries("system"))
		}},
		{"Chain/System", systemChain},
		{"Chain/Breaks", chainBreaks},
		{"Chain/Calls", countedCalls},
		{"Chain/WrongChain", func(f *fixture) {
			list, _ := f.seal("other", flows.ChainHead{}, 1)
			f.refused(flows.Change{Chain: "system", Entries: list}, nil)
			c := f.step(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
			c.Entries, _ = f.seal("other", flows.ChainHead{}, 1)
			f.refused(c, nil)
		}},
		{"Chain/RequestCarriesHead", func(f *fixture) {
			c := f.step(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
			c.Request.Chain.Len++
			f.refused(c, nil)
		}},
		{"Chain/RefusedBeforeItIs", func(f *fixture) {
			list, head := f.seal("req_1", flows.ChainHead{}, 2)
			f.apply(flows.Change{Chain: "req_1", Entries: list})
			r := asks("req_1", "T/UDANA", "db")
			f.refused(f.step(r, flows.StateSubmitted), flows.ErrConflict)
			r.Chain = head
			f.walk(r, flows.StateSubmitted)
			if n := len(f.entries("req_1")); n != 3 {
				f.Errorf("%d entries, want 3", n)
			}
		}},
		{"Chain/BytesAreExact", func(f *fixture) {
			list, _, err := flows.Seal("system", flows.ChainHead{}, []flows.Entry{{Verb: "note", At: noon, Facts: map[string]any{
				"z": "é\u0301 \\ \" \x01 \u2028 😀", "a": int64(-1), "": []any{nil, true, map[string]any{}},
			}}}, f.random)
			f.is(err, nil)
			f.apply(flows.Change{Chain: "system", Entries: list})
			f.same(list, f.entries("system"))
		}},
	}
}

// seal makes n entries that follow the head.
func (f *fixture) seal(chain string, head flows.ChainHead, n int) ([]flows.Sealed, flows.ChainHead) {
	f.Helper()
	var drafts []flows.Entry
	for i := range n {
		drafts = append(drafts, flows.Entry{Verb: "note", At: noon, Facts: map[string]any{
			"n": int64(i), "who": flows.Personal{About: flows.PersonID("T/U" + strconv.Itoa(i%2)), Value: "v" + strconv.Itoa(i)},
		}})
	}
	list, head, err := flows.Seal(chain, head, drafts, f.random)
	if err != nil {
		f.Fatal(err)
	}
	return list, head
}

func systemChain(f *fixture) {
	first, head := f.seal("system", flows.ChainHead{}, 3)
	f.apply(flows.Change{Chain: "system", Entries: first})
	got, err := f.s.ChainHead(f.ctx, "system")
	f.is(err, nil)
	f.same(head, got)
	more, head := f.seal("system", head, 2)
	f.apply(flows.Change{Chain: "system", Entries: more})
	f.same(append(first, more...), f.entries("system"))
	got, err = f.s.ChainHead(f.ctx, "system")
	f.is(err, nil)
	f.same(head, got)
}

func chainBreaks(f *fixture) {
	first, head := f.seal("system", flows.ChainHead{}, 2)
	f.apply(flows.Change{Chain: "system", Entries: first})
	f.refused(flows.Change{Chain: "system", Entries: first}, flows.ErrConflict)
	gap, _ := f.seal("system", flows.ChainHead{Len: 3, Hash: head.Hash}, 1)
	f.refused(flows.Change{Chain: "system", Entries: gap}, flows.ErrConflict)
	fork, _ := f.seal("system", flows.ChainHead{Len: 2, Hash: first[0].Hash}, 1)
	f.refused(flows.Change{Chain: "system", Entries: fork}, flows.ErrConflict)
	next, _ := f.seal("system", head, 3)
	f.refused(flows.Change{Chain: "system", Entries: []flows.Sealed{next[0], next[2]}}, nil)
	next[1].Hash = next[0].Hash
	f.refused(flows.Change{Chain: "system", Entries: next}, nil)
}

// calls is what a store with calls offers beside Store.
type calls interface {
	Calls(ctx context.Context, id flows.RequestID) ([]flows.CallTotal, error)
	CallsFor(ctx context.Context, id flows.IncidentID) ([]flows.CallTotal, error)
}

// countedCalls: the calls by a grant are counted with their entries, by rule; others are
// not, nor what was not written.
func countedCalls(f *fixture) {
	s, ok := f.s.(calls)
	if !ok {
		f.Skip("a store without calls")
	}
	f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	heads := map[string]flows.ChainHead{}
	write := func(chain string, minute int, rules ...string) {
		f.Helper()
		var drafts []flows.Entry
		for i, rule := range rules {
			drafts = append(drafts, flows.Entry{Verb: flows.VerbCallSent, At: noon.Add(time.Duration(minute*60+i) * time.Second), Facts: map[string]any{"rule": rule}})
		}
		drafts = append(drafts, flows.Entry{Verb: flows.VerbCallsDone, At: noon, Facts: map[string]any{}})
		list, head, err := flows.Seal(chain, heads[chain], drafts, f.random)
		f.is(err, nil)
		f.apply(flows.Change{Chain: chain, Entries: list})
		f.refused(flows.Change{Chain: chain, Entries: list}, flows.ErrConflict)
		heads[chain] = head
	}
	write(flows.CallsChain("req_1"), 1, "PUT /a", "GET /a", "PUT /a")
	write(flows.CallsChain("req_1"), 5, "GET /a", "PUT /a", "PUT /a")
	write(flows.CallsChain("req_2"), 7, "GET /a")
	write("calls/adapter/pd", 7, "GET /a")
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	want := []flows.CallTotal{
		{Request: "req_1", Rule: "PUT /a", N: 4, First: at(60), Last: at(302)}, {Request: "req_1", Rule: "GET /a", N: 2, First: at(61), Last: at(300)},
	}
	got, err := s.Calls(f.ctx, "req_1")
	f.is(err, nil)
	f.same(want, got)
	got, err = s.CallsFor(f.ctx, "Q1")
	f.is(err, nil)
	f.same(want, got)
	got, err = s.Calls(f.ctx, "adapter/pd")
	f.is(err, nil)
	f.same([]flows.CallTotal{}, got)
}
