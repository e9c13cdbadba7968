package storetest

import (
	"strconv"

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
