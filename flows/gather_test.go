package flows_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
)

// together is a directory that answers about the people of a fallback only once it was
// asked about all of them.
type together struct {
	flows.Directory
	mu     sync.Mutex
	waits  int
	answer chan struct{}
}

func (d *together) Profile(ctx context.Context, p flows.PersonID, fresh bool) (flows.Profile, error) {
	if !fresh && (p == noor || p == adam) {
		d.mu.Lock()
		if d.waits--; d.waits == 0 {
			close(d.answer)
		}
		d.mu.Unlock()
		select {
		case <-d.answer:
		case <-time.After(time.Minute):
			return flows.Profile{Standing: flows.StandingDeleted}, nil
		}
	}
	return d.Directory.Profile(ctx, p, fresh)
}

// A slow Slack is waited for once, not once for each of those who may be asked.
func TestPeopleAreLookedUpAtOnce(t *testing.T) {
	t.Parallel()
	h := newHistory(3)
	h.mem.Fail, h.mem.Interleave = nil, nil
	dir := &together{Directory: h.World, waits: 2, answer: make(chan struct{})}
	engine := flows.NewEngine(flows.Options{
		Ledger: h.mem, Chains: h.mem, Counts: h.mem, Reducer: h.World, OnCall: h.World, Incidents: h.World, Directory: dir,
		Clock: h.Clock, IDs: h.World, Catalog: func() *flows.Catalog { return h.Catalog }, Owner: "me",
	})
	id := h.RequestID(start)
	for _, cmd := range []flows.Command{
		{Verb: flows.VerbSubmit, Actor: slackActor(sam), Content: flows.Content{
			Flow: "prod", Target: "db", Requester: sam, Beneficiary: sam, Duration: time.Hour, Reason: flows.NewText("the ledger is stuck"),
		}},
		{Verb: flows.VerbRoute, Actor: flows.ByEngine()},
	} {
		cmd.ID = id
		if res, err := engine.Do(t.Context(), cmd, flows.Finish{}); err != nil || res.Refusal != nil {
			t.Fatal(res.Refusal, err)
		}
	}
	if fb := h.mem.Requests[id].Route.Fallback; fb == nil || !fb.Has(noor) || !fb.Has(adam) {
		t.Errorf("the fallback is %+v", fb)
	}
}
