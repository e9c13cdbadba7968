package storetest

import (
	"fmt"
	"sort"
	"time"

	"breakglass/flows"
)

// lookalikes are identifiers that somebody, somewhere, takes for the same. To a store
// two are the same only if their bytes are, and they sort by their bytes.
var lookalikes = []string{
	"dana", "Dana", "DANA", " dana", "dana ", "dana  ", "dàna", "da\u0300na", "dana\t", "dana\n",
	"straße", "strasse", "STRASSE", "ﬁ", "fi", "i", "I", "İ", "ı", "%", "_", "d_na", "d%", "a'b", `a"b`, `a\b`, "a|b", "a,b",
	"\u200bdana", "dana\u200b", "К", "K", "１", "1", "01", "1.0", "1e0", "-", "--", "a-b", "ab", "😀", "~",
}

func identifierCases() []contractCase {
	return []contractCase{
		{"Identifiers/Jobs", identifierJobs},
		{"Identifiers/Requests", identifierRequests},
		{"Identifiers/Inbox", func(f *fixture) {
			for i, key := range lookalikes {
				f.accept(key, []byte{byte(i)})
			}
			for i, key := range lookalikes {
				row, err := f.s.InboxRow(f.ctx, key)
				f.is(err, nil)
				f.same([]byte{byte(i)}, row.Body)
			}
		}},
		{"Identifiers/Chains", func(f *fixture) {
			for _, chain := range lookalikes {
				list, head := f.seal(chain, flows.ChainHead{}, 1)
				f.apply(flows.Change{Chain: chain, Entries: list})
				got, err := f.s.ChainHead(f.ctx, chain)
				f.is(err, nil)
				f.same(head, got)
			}
		}},
	}
}

func identifierJobs(f *fixture) {
	for _, id := range lookalikes {
		if got := f.write(leasedTo(id, in(id, job("a", id, noon))))[0]; got.Rev != 1 || got.LeasedTo != id || got.Subject != id {
			f.Errorf("the job of %q was taken for another: %+v", id, got)
		}
	}
	for _, id := range lookalikes {
		f.apply(flows.Change{Cancel: []string{"a:" + id}})
		f.write(leasedTo("b", in(id, job("b", id, noon))))
	}
	got := f.claim("c", noon.Add(time.Minute), 1000)
	f.same(len(lookalikes), len(got))
}

func identifierRequests(f *fixture) {
	sorted := append([]string(nil), lookalikes...)
	sort.Strings(sorted)
	for i, id := range lookalikes {
		r := asks(flows.RequestID(id), flows.PersonID(id), "db")
		f.walk(r, flows.StateSubmitted)
		scoped := asks(flows.RequestID(fmt.Sprintf("%s\x7f%d", id, i)), "T/USAM", flows.TargetID(id))
		scoped.Content.Scope, scoped.Content.Incident.ID = flows.Scope(id), flows.IncidentID("X"+id)
		f.walk(scoped, flows.StateSubmitted)
		f.apply(flows.Change{Holding: &flows.Holding{Key: scoped.Content.Key(), Version: 1}})
	}
	for _, id := range lookalikes {
		f.same(flows.PersonID(id), f.load(flows.RequestID(id)).Request.Content.Requester)
		f.listed(flows.RequestFilter{Person: flows.PersonID(id)}, flows.RequestID(id))
		for _, filter := range []flows.RequestFilter{{Target: flows.TargetID(id)}, {Incident: flows.IncidentID("X" + id)}} {
			got, err := f.s.Requests(f.ctx, filter)
			f.is(err, nil)
			f.same(1, len(got))
		}
	}
	got, err := f.s.Requests(f.ctx, flows.RequestFilter{Target: "db", Limit: 1000})
	f.is(err, nil)
	for i, r := range got {
		if want := sorted[len(sorted)-1-i]; string(r.ID) != want {
			f.Fatalf("request %d is %q, want %q: ids sort by their bytes", i, r.ID, want)
		}
	}
}
