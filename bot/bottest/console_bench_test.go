package bottest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// fill writes n requests into the store of a story, in the course of some days that pass
// meanwhile, with the life that chance gives them.
func fill(s *bottest.Story, n, days int) {
	s.T.Helper()
	const writers = 32
	for d := range days {
		var all sync.WaitGroup
		errs := make([]error, writers)
		for w := range writers {
			all.Go(func() {
				for i := w; i < n/days && errs[w] == nil; i += writers {
					errs[w] = madeUp(s, d*(n/days)+i)
				}
			})
		}
		all.Wait()
		for _, err := range errs {
			if err != nil {
				s.T.Fatal(err)
			}
		}
		s.Clock.Push(24 * time.Hour)
		s.Quiet() // what the day brought looks at live requests, too
	}
}

// madeUp takes one request through its life; the same number makes the same request.
func madeUp(s *bottest.Story, i int) error {
	r := rand.New(rand.NewPCG(uint64(i), 3))
	people := []string{company.Dana, company.Sam, company.Mara, company.Noor, company.Lena}
	at := s.Clock.Now().Add(time.Duration(r.IntN(20)) * time.Hour)
	who := company.Person(people[r.IntN(len(people))])
	c := flows.Content{
		Flow: "prod", Target: []flows.TargetID{"prod_database", "production_console", "orders_replica"}[r.IntN(3)], Scope: flows.Scope(fmt.Sprint(i)), Requester: who, Beneficiary: who,
		Duration: time.Duration(1+r.IntN(8)) * 30 * time.Minute,
		Reason:   flows.NewText([]string{"payouts are stuck since the last deploy, need to look at the queue", "database is down", "customers cannot log in, checking the session store"}[r.IntN(3)]),
	}
	if r.IntN(3) > 0 {
		c.Incident = flows.IncidentRef{ID: flows.IncidentID(fmt.Sprintf("QMADE%05d", i/80)), Number: 1000 + i/80, Title: flows.NewText("Payments fail in eu-west")}
	}
	id := flows.RequestID(fmt.Sprintf("req_%014d%012d", at.UnixMilli(), i))
	l := &madeLife{s: s, r: flows.Request{ID: id, Content: c, Hash: c.Hash(id), SubmittedAt: at}, at: at, random: r}
	l.step(flows.VerbSubmit, flows.StateSubmitted, who)
	decider := company.Person(people[r.IntN(len(people))])
	l.at = at.Add(time.Duration(r.IntN(r.IntN(1800)+1)) * time.Second)
	switch r.IntN(12) {
	case 0, 1:
		l.r.DecidedAt, l.r.DecidedBy, l.r.DenyWhy = l.at, decider, flows.NewText("use the replica")
		l.step(flows.VerbDeny, flows.StateDenied, decider)
	case 2:
		l.step(flows.VerbLapse, flows.StateLapsed, "")
	case 3:
		l.r.EndedBy = who
		l.step(flows.VerbCancel, flows.StateCancelled, who)
	default:
		l.given(decider)
	}
	return l.err
}

// madeLife is a request while it is made up.
type madeLife struct {
	s      *bottest.Story
	r      flows.Request
	at     time.Time
	random *rand.Rand
	err    error
}

func (l *madeLife) given(by flows.PersonID) {
	l.step(flows.VerbRoute, flows.StatePending, "")
	l.r.DecidedAt, l.r.DecidedBy, l.r.SelfMade = l.at, by, by == l.r.Content.Requester
	l.step(flows.VerbApprove, flows.StateApproved, by)
	l.step(flows.VerbActivate, flows.StateGranting, "")
	l.r.GrantedAt, l.r.EndsAt = l.at, l.at.Add(l.r.Content.Duration)
	l.step(flows.VerbGranted, flows.StateActive, "")
	l.at, l.r.EndCause = l.r.EndsAt, flows.EndTime
	l.step(flows.VerbEnd, flows.StateEnding, "")
	l.r.EndedAt = l.at
	l.step(flows.VerbRevoked, flows.StateEnded, "")
}

func (l *madeLife) step(v flows.Verb, to flows.State, by flows.PersonID) {
	if l.err != nil {
		return
	}
	actor, facts := flows.ByEngine(), map[string]any{"flow": "prod", "target": string(l.r.Content.Target), "world": "simulated", "request": l.r.Hash}
	if by != "" {
		actor = flows.Actor{Person: by, Door: flows.DoorSlack, Standing: flows.StandingMember}
	}
	if v == flows.VerbSubmit {
		facts["reason"] = flows.Personal{About: by, Value: l.r.Content.Reason.Raw()}
	}
	sealed, head, err := flows.Seal(string(l.r.ID), l.r.Chain, []flows.Entry{{Verb: string(v), From: l.r.State, To: to, At: l.at, Actor: actor, Facts: facts}}, func(b []byte) {
		for i := range b {
			b[i] = byte(l.random.Uint32())
		}
	})
	if err != nil {
		l.err = err
		return
	}
	l.r.State, l.r.Chain, l.r.Version = to, head, l.r.Version+1
	c, revoke := flows.Change{Request: &l.r, Entries: sealed}, flows.JobKey(flows.JobRevoke, string(l.r.ID))
	switch {
	case to == flows.StateGranting:
		c.Jobs = []flows.Job{{Kind: flows.JobRevoke, Key: revoke, Subject: string(l.r.ID), RunAt: l.at.AddDate(100, 0, 0)}}
	case to.Final():
		c.Cancel = []string{revoke}
	}
	_, l.err = l.s.App.Store().Apply(context.Background(), c)
}

// BenchmarkConsole opens each page of the audit over HTTP, in a store of 10,000 requests or
// in the simulated one that BREAKGLASS_BENCH_DB names, which `breakglass audit generate`
// filled. The look that each records is part of it.
func BenchmarkConsole(b *testing.B) {
	p, with := bottest.SignIn(b)
	var s *bottest.Story
	if dsn := os.Getenv("BREAKGLASS_BENCH_DB"); dsn != "" {
		s = bottest.Open(b, with, func(o *company.Options) {
			o.DSN, o.IDs = dsn, app.RandomIDs{} // a database that was opened before has the ids of a seed
			o.Clock.(*flows.HandClock).Push(time.Until(o.Clock.Now().Add(-time.Minute)))
		})
	} else {
		s = bottest.Open(b, with)
		fill(s, 10_000, 80)
	}
	s.Overlook()
	mara := s.Browser()
	if page := mara.SignsIn(p, "sub-"+company.Mara, "/"); page.Status != http.StatusOK {
		b.Fatal(page.Text())
	}
	s.Overlook()
	for name, path := range pagesOfThePast(s) {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if page := mara.Get(path); page.Status != http.StatusOK {
					b.Fatalf("%s: %d %s", path, page.Status, page.Text())
				}
				took = append(took, time.Since(began))
				b.StopTimer()
				s.Clock.Push(time.Second) // so many calls a minute are let in
				b.StartTimer()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// pagesOfThePast are the addresses of pages that show much.
func pagesOfThePast(s *bottest.Story) map[string]string {
	s.T.Helper()
	found, err := s.App.Store().Search(context.Background(), flows.Search{States: []flows.State{flows.StateEnded}, Limit: 500})
	if err != nil {
		s.T.Fatal(err)
	}
	i := slices.IndexFunc(found.Requests, func(r flows.Request) bool { return r.Content.Incident.Number > 0 })
	if i < 0 {
		s.T.Fatalf("none of %d requests has an incident", len(found.Requests))
	}
	one := found.Requests[i]
	month := one.SubmittedAt.AddDate(0, -1, 0)
	return map[string]string{
		"search": "/audit", "person": "/audit?q=" + url.QueryEscape("@"+one.Content.Requester.User()), "denied": "/audit?q=denied", "words": "/audit?q=%22log+in%22",
		"target": "/audit?q=" + url.QueryEscape("target:"+string(one.Content.Target)), "story": "/audit/requests/" + string(one.ID),
		"incident": fmt.Sprintf("/audit/incidents/%d", one.Content.Incident.Number), "people": "/audit/people/" + url.PathEscape(string(one.Content.Requester)),
		"charts 30": "/audit/charts?days=30", "charts 90": "/audit/charts?days=90", "charts 365": "/audit/charts?days=365",
		"evidence": "/audit/evidence?n=25&seed=a&since=" + month.Format(time.DateOnly) + "&until=" + one.SubmittedAt.Format(time.DateOnly), "home": "/",
	}
}
