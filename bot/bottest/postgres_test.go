package bottest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
	"breakglass/store"
	"breakglass/store/storetest"
)

// onPostgres has the company keep its requests on PostgreSQL.
func onPostgres(t *testing.T) func(*company.Options) {
	t.Helper()
	dsn := storetest.Postgres(t)
	if err := store.Migrate(t.Context(), store.Options{DSN: dsn, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	return func(o *company.Options) { o.DSN = dsn }
}

// The story is the same on PostgreSQL, by the real clock: it must agree with the
// database's.
func TestStoryOnPostgres(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, onPostgres(t), func(o *company.Options) { o.Clock = app.SystemClock{} })
	sam, mara, noor := s.As(company.Sam), s.As(company.Mara), s.As(company.Noor)
	sam.Asks("Production database", "the ledger is stuck", nil)
	card := mara.Sees("<@U0SAM> asks for Production database", "the ledger is stuck")
	noor.Sees("<@U0SAM> asks for Production database")
	mara.Presses(card, "bg:approve")
	sam.Sees("You have access to Production database until")
	mine := sam.Sees("You asked for Production database", "Access works until")
	sam.Presses(mine, "bg:done")
	sam.Sees("Your access to Production database has ended")
	if r := s.Only(); r.State != flows.StateEnded {
		t.Errorf("it is %s", r.State)
	}
}

// Two replicas on one database: two managers click at once, each on another replica.
// One decides, the other is told who did; the target gives access once.
func TestTwoReplicasDecideOnce(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, onPostgres(t), func(o *company.Options) { o.Clock = app.SystemClock{} })
	second, err := s.Replica(context.WithoutCancel(t.Context()), "second")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := second.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	sam := s.As(company.Sam)
	for round := range 5 {
		reason := fmt.Sprintf("round %d", round)
		sam.Asks("Production database", reason, nil)
		sam.Sees("You asked for Production database", reason)
		var both sync.WaitGroup
		cards := map[string]slackfake.Message{}
		for _, who := range []string{company.Mara, company.Noor} {
			cards[who] = s.As(who).Sees("asks for Production database", reason, "Waiting for you")
		}
		for _, click := range []struct{ who, door string }{{company.Mara, s.App.PublicAddr()}, {company.Noor, second.PublicAddr()}} {
			p, card := s.As(click.who), cards[click.who]
			if err := s.Connect(click.door); err != nil {
				t.Fatal(err)
			}
			both.Go(func() {
				if _, err := p.ClickStale(card, "bg:approve"); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		s.OneIsTold("already decided", company.Mara, company.Noor)
		s.Until("Sam to be told", func() bool { return s.All(company.Sam, "You have access to Production database") == round+1 })
		mine := sam.Sees("You asked for Production database", reason, "Access works until")
		sam.Presses(mine, "bg:done")
		sam.Sees("You asked for Production database", reason, "Ended")
		sam.Sees("Your access to Production database has ended")
		for _, who := range []string{company.Mara, company.Noor} {
			s.As(who).Sees("asks for Production database", reason, "Ended")
		}
	}
	s.Quiet()
	if given, ended := s.All(company.Sam, "You have access to Production database"), s.All(company.Sam, "Your access to Production database has ended"); given != 5 || ended != 5 {
		t.Errorf("Sam was told %d times that he has access and %d times that it ended", given, ended)
	}
	for _, r := range s.Requests() {
		decided := 0
		for _, verb := range s.Entries(r.ID) {
			if verb == "approve" {
				decided++
			}
		}
		if decided != 1 || r.State != flows.StateEnded {
			t.Errorf("%s was decided %d times and is %s", r.ID, decided, r.State)
		}
	}
	grants := 0
	for _, e := range s.Database.Ledger() {
		if e.Outcome == receiver.Granted {
			grants++
		}
	}
	if grants != 5 {
		t.Errorf("the database gave access %d times, want 5", grants)
	}
}

// The pages about the past on PostgreSQL.
func TestConsoleOnPostgres(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, onPostgres(t), func(o *company.Options) { o.Clock = app.SystemClock{} }, with)
	sam, mara := s.As(company.Sam), s.As(company.Mara)
	inc := opened(s, "Payments fail")
	sam.Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	mara.Presses(mara.Sees("<@U0SAM> asks for Production database"), "bg:approve")
	sam.Sees("You have access to Production database until")
	s.Overlook()
	b := s.Browser()
	b.SignsIn(p, "sub-"+company.Mara, "/")
	s.Overlook()
	shows(t, b.Get("/audit?q=@sam+%22ledger%22+incident+1"), "Production database 30m for sam", "Approved by mara, until")
	shows(t, b.Get("/audit/requests/"+string(s.Only().ID)), "mara approved", "The target confirmed the access")
	inOrder(t, b.Get("/audit/incidents/"+inc.ID), "sam asked for access", "mara approved", "The target confirmed the access")
	shows(t, b.Get("/audit/people/U0SAM"), "Has access now.")
	shows(t, b.Get("/audit/charts?days=30"), "within a minute 1 100 %", "0 of 1 0 %")
	now := time.Now().UTC().Format(time.DateOnly)
	shows(t, b.Get("/audit/evidence?n=5&seed=a&since="+now+"&until="+now), "1 grants and 0 removals within the window")
}
