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
)

// The limits on asking hold when one person asks for many things at the same moment.
func TestLimitsOnAskingHoldAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setting string
		most    int
	}{"open at a time": {"3", 3}, "in an hour": {"100", flows.DefaultLimits().AskedPerHour}} {
		for where, place := range map[string]func(*testing.T) func(*company.Options){"SQLite": nil, "PostgreSQL": onPostgres} {
			t.Run(name+" on "+where, func(t *testing.T) {
				t.Parallel()
				if raced && c.most > 10 {
					t.Skip("forty at once take minutes under the race detector; three show the same")
				}
				edits := []func(*company.Options){bottest.Set("max_open_per_person", c.setting)}
				if place != nil {
					edits = append(edits, place(t), func(o *company.Options) { o.Clock = app.SystemClock{} })
				}
				s := bottest.Open(t, edits...)
				taken, refused := askAtOnce(s, c.most+10)
				if taken != c.most || refused != 10 {
					t.Errorf("%d were taken and %d refused, want %d taken", taken, refused, c.most)
				}
				s.Quiet()
				for _, who := range []string{company.Sam, company.Mara, company.Noor, "C0SREM"} {
					s.All(who)
				}
			})
		}
	}
}

// askAtOnce has Sam submit n requests at the same moment, for different parts of a target.
func askAtOnce(s *bottest.Story, n int) (taken, refused int) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.T.Context()), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			sam := company.Person(company.Sam)
			cmd := flows.Command{
				Verb: flows.VerbSubmit, ID: app.RandomIDs{}.RequestID(time.Now()), Actor: flows.Actor{Person: sam, Door: flows.DoorSlack},
				Content: flows.Content{
					Flow: "prod", Target: "production_console", Scope: flows.Scope(fmt.Sprint("part ", i)), Requester: sam, Beneficiary: sam,
					Duration: 30 * time.Minute, Reason: flows.NewText("the ledger is stuck"), Fields: []flows.FieldValue{{Name: "ticket"}},
				},
			}
			var res flows.Result
			err := fmt.Errorf("not tried: %w", flows.ErrConflict)
			for try := 0; err != nil && try < 10; try++ { // as the job of a submission is tried again
				res, err = s.App.Engine().Do(ctx, cmd, flows.Finish{})
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				s.T.Error(err)
			case res.Refusal == nil:
				taken++
			case res.Refusal.Code == flows.RefusedTooMany:
				refused++
			default:
				s.T.Error(res.Refusal)
			}
		})
	}
	close(begin)
	all.Wait()
	return taken, refused
}
