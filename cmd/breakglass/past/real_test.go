package past_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// kind is what entries are compared by: those of one step, of requests of one sort.
type kind struct {
	verb           string
	self, incident bool
}

// sample are entries of a kind, or the documents of requests in a state.
type sample struct {
	n, bytes int
	members  map[string]bool // whatever one of them has
}

func (s *sample) mean() float64 { return float64(s.bytes) / float64(s.n) }

// samples are the entries of requests, by kind, and the requests' documents.
type samples struct {
	entries map[kind]*sample
	docs    map[flows.State]*sample
}

func newSamples() samples { return samples{map[kind]*sample{}, map[flows.State]*sample{}} }

func (s samples) add(t *testing.T, r *flows.Request, entries []flows.Sealed) {
	t.Helper()
	for _, e := range entries {
		k := kind{e.Verb, r.Route.Stages[0].Self, r.Content.Incident.ID != ""}
		if s.entries[k] == nil {
			s.entries[k] = &sample{members: map[string]bool{}}
		}
		var said any
		if err := json.Unmarshal(e.Bytes, &said); err != nil {
			t.Fatal(err)
		}
		s.entries[k].n++
		s.entries[k].bytes += len(e.Bytes)
		members(s.entries[k].members, "", said)
	}
	doc, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if s.docs[r.State] == nil {
		s.docs[r.State] = &sample{}
	}
	s.docs[r.State].n++
	s.docs[r.State].bytes += len(doc)
}

// members adds what an entry says; all items of a list count as one.
func members(into map[string]bool, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			members(into, strings.TrimPrefix(at+"."+name, "."), x)
		}
	case []any:
		for _, x := range v {
			members(into, at+"[]", x)
		}
	default:
		into[at] = true
	}
}

// onlyMadeUp are the members that only made-up entries have, and why.
var onlyMadeUp = map[string]string{
	"facts.evidence.calls[].entry.shift_end":    "shifts of the simulated company have no end, those of PagerDuty have",
	"facts.evidence.calls[].answer[].shift_end": "as above",
	"facts.evidence.calls[].args[].value":       "the simulated company's handler asks about no level",
	"facts.receipt":                             "a part of the targets gives none: nothing executes them",
}

// asked are the requests that people of the simulated company made in Slack, about as
// many of each sort, with their entries.
func asked(t *testing.T) samples {
	t.Helper()
	s := bottest.Open(t)
	dana, sam, mara, noor := s.As(company.Dana), s.As(company.Sam), s.As(company.Mara), s.As(company.Noor)
	inc, err := s.PagerDuty.Trigger(company.Service, "[payments] error rate above 5 percent in eu-west-1", "PSAM001")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	asks := func(p *bottest.Person, target string, with slackfake.Values) string {
		n++
		why := fmt.Sprintf("payouts are stuck since the last deploy, need to look at the queue (OPS-%d)", n)
		p.Asks(target, why, with)
		return why
	}
	given := func(with slackfake.Values) {
		why := asks(sam, "Production database", with)
		mara.Presses(mara.Sees("asks for Production database", "Waiting for you", why), "bg:approve")
		sam.Sees("You have access to Production database until")
	}
	for _, with := range []slackfake.Values{nil, {"incident": inc.ID}} {
		why := asks(dana, "Production database", with)
		dana.Presses(dana.Sees("You asked for Production database", "you may approve this yourself", why), "bg:approve")
		dana.Sees("You have access to Production database until")
		given(with)
		why = asks(sam, "Production console", with)
		noor.Denies(noor.Sees("asks for Production console", "Waiting for you", why), "use the read-only replica of payments")
		sam.Sees("was not granted")
		s.FastForward(time.Minute)
		if with != nil {
			err = s.PagerDuty.Acknowledge(inc.ID, "PSAM001")
		}
		if err != nil {
			t.Fatal(err)
		}
		s.FastForward(39 * time.Minute)
		s.Overlook()
	}
	with := slackfake.Values{"incident": inc.ID}
	asks(sam, "Production console", with) // nobody answers
	given(with)
	if err := s.PagerDuty.Resolve(inc.ID, "PSAM001"); err != nil {
		t.Fatal(err)
	}
	s.FastForward(40 * time.Minute)
	s.Overlook()
	all := newSamples()
	for _, r := range s.Requests() {
		entries, err := s.App.Store().Entries(t.Context(), string(r.ID))
		if err != nil {
			t.Fatal(err)
		}
		all.add(t, &r, entries)
	}
	return all
}

// TestAsRealOnes: what is made up has what real requests have, and is as long: each kind of
// entry, member by member, and the document of the request.
func TestAsRealOnes(t *testing.T) {
	t.Parallel()
	real, made := asked(t), newSamples()
	for _, l := range lives(t, 600) {
		made.add(t, l.request(), l.entries())
	}
	var ours, theirs, n float64 // in the mix of what is made up
	for k, want := range real.entries {
		got := made.entries[k]
		if got == nil {
			t.Errorf("%+v: none is made up", k)
			continue
		}
		for m := range onlyMadeUp {
			if !want.members[m] {
				delete(got.members, m)
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want.members)), slices.Sorted(maps.Keys(got.members))); diff != "" {
			t.Errorf("%+v, real and made up:\n%s", k, diff)
		}
		if by := got.mean() / want.mean(); by < 0.85 || by > 1.15 {
			t.Errorf("%+v: one that is made up has %.0f bytes, a real one %.0f", k, got.mean(), want.mean())
		}
		n, ours, theirs = n+float64(got.n), ours+float64(got.bytes), theirs+want.mean()*float64(got.n)
	}
	t.Logf("an entry that is made up has %.0f bytes, real ones in the same mix have %.0f", ours/n, theirs/n)
	if ours < 0.9*theirs || ours > 1.1*theirs {
		t.Error("that is another length")
	}
	for state, want := range real.docs {
		if by := made.docs[state].mean() / want.mean(); by < 0.85 || by > 1.15 {
			t.Errorf("the document of one that is %s has %.0f bytes, a real one's %.0f", state, made.docs[state].mean(), want.mean())
		}
	}
}
