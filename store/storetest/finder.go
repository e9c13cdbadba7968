package storetest

import (
	"fmt"
	"time"

	"breakglass/flows"
)

func finderCases() []contractCase {
	return []contractCase{
		{"Requests/Filters", requestFilters},
		{"Requests/Pages", requestPages},
		{"Requests/MovedIncident", func(f *fixture) {
			r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
			r.MovedTo = "Q2"
			f.walk(r, flows.StatePending)
			for id, n := range map[flows.IncidentID]int{"Q1": 0, "Q2": 1} {
				got, err := f.s.Requests(f.ctx, flows.RequestFilter{Incident: id})
				f.is(err, nil)
				f.same(n, len(got))
			}
		}},
	}
}

// ids are the ids of requests, in their order.
func ids(list []flows.Request) []flows.RequestID {
	var out []flows.RequestID
	for _, r := range list {
		out = append(out, r.ID)
	}
	return out
}

func (f *fixture) listed(filter flows.RequestFilter, want ...flows.RequestID) {
	f.Helper()
	got, err := f.s.Requests(f.ctx, filter)
	if err != nil {
		f.Fatal(err)
	}
	f.same(want, ids(got))
}

func requestFilters(f *fixture) {
	put := func(n int, by, to flows.PersonID, target flows.TargetID, incident flows.IncidentID, states ...flows.State) {
		r := asks(flows.RequestID(fmt.Sprintf("req_%d", n)), by, target)
		r.Content.Beneficiary, r.Content.Incident.ID = to, incident
		r.SubmittedAt = noon.Add(time.Duration(n) * time.Hour)
		if n == 4 {
			r.Content.Flow = "staging"
		}
		f.walk(r, states...)
	}
	put(1, "T/UDANA", "T/UDANA", "db", "Q1", flows.StateSubmitted)
	put(2, "T/UDANA", "T/USAM", "db", "Q2", flows.StateSubmitted, flows.StatePending)
	put(3, "T/USAM", "T/USAM", "console", "", flows.StateSubmitted, flows.StateDenied)
	put(4, "T/UMARA", "T/UMARA", "db", "Q1", flows.StateSubmitted)

	f.listed(flows.RequestFilter{}, "req_4", "req_3", "req_2", "req_1")
	f.listed(flows.RequestFilter{Limit: 2}, "req_4", "req_3")
	f.listed(flows.RequestFilter{Before: "req_3"}, "req_2", "req_1")
	f.listed(flows.RequestFilter{Since: noon.Add(3 * time.Hour)}, "req_4", "req_3")
	f.listed(flows.RequestFilter{Person: "T/UDANA"}, "req_2", "req_1")
	f.listed(flows.RequestFilter{Person: "T/USAM"}, "req_3", "req_2")
	f.listed(flows.RequestFilter{Person: "T/USAM", Limit: 1}, "req_3")
	f.listed(flows.RequestFilter{Person: "T/USAM", Before: "req_3"}, "req_2")
	f.listed(flows.RequestFilter{Person: "T/NOBODY"})
	f.listed(flows.RequestFilter{Flow: "staging"}, "req_4")
	f.listed(flows.RequestFilter{Target: "db"}, "req_4", "req_2", "req_1")
	f.listed(flows.RequestFilter{Target: "db", Flow: "prod", Before: "req_2"}, "req_1")
	f.listed(flows.RequestFilter{Incident: "Q1"}, "req_4", "req_1")
	f.listed(flows.RequestFilter{Incident: "Q1", Person: "T/UDANA", Target: "db", Flow: "prod"}, "req_1")
	f.listed(flows.RequestFilter{States: []flows.State{flows.StateSubmitted}}, "req_4", "req_1")
	f.listed(flows.RequestFilter{States: []flows.State{flows.StateDenied, flows.StatePending}}, "req_3", "req_2")
	f.listed(flows.RequestFilter{States: []flows.State{"end", "nied", ",", "%"}})
	f.listed(flows.RequestFilter{Person: "T/USAM", States: []flows.State{flows.StatePending}, Target: "db"}, "req_2")
	f.listed(flows.RequestFilter{Target: "db", States: []flows.State{flows.StatePending}, Since: noon}, "req_2")
	f.listed(flows.RequestFilter{Incident: "Q2", States: []flows.State{flows.StateDenied}})

	put(5, "T/UDANA", "T/USAM", "queue", "", flows.StateSubmitted, flows.StatePending)
	f.listed(flows.RequestFilter{Bare: true}, "req_5", "req_3")
	f.listed(flows.RequestFilter{Bare: true, Limit: 1}, "req_5")
	f.listed(flows.RequestFilter{Bare: true, Before: "req_5"}, "req_3")
	f.listed(flows.RequestFilter{Bare: true, Since: noon.Add(4 * time.Hour)}, "req_5")
	f.listed(flows.RequestFilter{Bare: true, Person: "T/UDANA"}, "req_5")
	f.listed(flows.RequestFilter{Bare: true, Person: "T/USAM"}, "req_5", "req_3")
	f.listed(flows.RequestFilter{Bare: true, Person: "T/UMARA"})
	f.listed(flows.RequestFilter{Bare: true, Target: "console"}, "req_3")
	f.listed(flows.RequestFilter{Bare: true, States: []flows.State{flows.StateSubmitted, flows.StatePending, flows.StateGranting, flows.StateActive}}, "req_5")
	f.listed(flows.RequestFilter{Bare: true, States: []flows.State{flows.StateDenied}, Flow: "prod"}, "req_3")
	f.listed(flows.RequestFilter{Bare: true, Incident: "Q1"})
	f.listed(flows.RequestFilter{Bare: true, Flow: "staging"})
}

func requestPages(f *fixture) {
	const n = 120
	put := func(prefix string, incident flows.IncidentID) {
		for i := range n {
			r := asks(flows.RequestID(fmt.Sprintf("%s_%03d", prefix, i)), flows.PersonID(fmt.Sprintf("T/U%s%d", prefix, i)), "db")
			r.Content.Incident.ID = incident
			f.walk(r, flows.StateSubmitted)
		}
	}
	put("req", "Q1")
	first, err := f.s.Requests(f.ctx, flows.RequestFilter{})
	f.is(err, nil)
	f.same(50, len(first)) // unless said otherwise
	for _, filter := range []flows.RequestFilter{{}, {Target: "db"}, {Incident: "Q1"}} {
		requestsPaged(f, filter, "req", n)
	}
	put("bare", "")
	requestsPaged(f, flows.RequestFilter{Bare: true}, "bare", n)
	requestsPaged(f, flows.RequestFilter{Incident: "Q1"}, "req", n)
}

// requestsPaged holds the pages of a listing to the n requests with that prefix.
func requestsPaged(f *fixture, filter flows.RequestFilter, prefix string, n int) {
	f.Helper()
	filter.Limit = 7
	seen := 0
	for {
		page, err := f.s.Requests(f.ctx, filter)
		f.is(err, nil)
		for _, r := range page {
			if want := flows.RequestID(fmt.Sprintf("%s_%03d", prefix, n-1-seen)); r.ID != want {
				f.Fatalf("request %d of the pages is %s, want %s", seen, r.ID, want)
			}
			seen++
		}
		if len(page) < filter.Limit {
			break
		}
		filter.Before = page[len(page)-1].ID
	}
	f.same(n, seen)
}
