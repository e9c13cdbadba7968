package flows_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
)

// TestCountsAs: what a request adds to the totals at each of its states.
func TestCountsAs(t *testing.T) {
	t.Parallel()
	r := flows.Request{Content: flows.Content{Target: "db"}, SubmittedAt: start, DecidedAt: start.Add(3 * time.Minute)}
	granted, own := r, r
	granted.GrantedAt = start.Add(4 * time.Minute)
	own.SelfMade, own.Proof = true, &flows.OnCallProof{Entry: flows.OnCallEntry{PolicyName: "payments", PolicyID: "P1"}}
	nameless, without := own, own
	nameless.Proof, without.Proof = &flows.OnCallProof{Entry: flows.OnCallEntry{PolicyID: "P1"}}, nil
	for _, c := range []struct {
		of    flows.Request
		state flows.State
		want  []flows.TotalName
	}{
		{r, flows.StateSubmitted, []flows.TotalName{"asked"}},
		{r, flows.StatePending, nil},
		{r, flows.StateApproved, []flows.TotalName{"approved", "waited_5m"}},
		{own, flows.StateApproved, []flows.TotalName{"approved", "self_approved", "self_approved@payments", "waited_5m"}},
		{nameless, flows.StateApproved, []flows.TotalName{"approved", "self_approved", "self_approved@P1", "waited_5m"}},
		{without, flows.StateApproved, []flows.TotalName{"approved", "self_approved", "self_approved@(no shift)", "waited_5m"}},
		{r, flows.StateGranting, nil},
		{granted, flows.StateActive, []flows.TotalName{"began", "began@db"}},
		{granted, flows.StateEnding, nil},
		{granted, flows.StateEnded, []flows.TotalName{"ended", "over", "over@db"}},
		{granted, flows.StateFailed, []flows.TotalName{"failed", "over", "over@db"}},
		{r, flows.StateDenied, []flows.TotalName{"denied"}},
		{r, flows.StateLapsed, []flows.TotalName{"lapsed"}},
		{r, flows.StateCancelled, []flows.TotalName{"cancelled"}},
	} {
		c.of.State = c.state
		if d := cmp.Diff(c.want, c.of.CountsAs()); d != "" {
			t.Errorf("%s:\n%s", c.state, d)
		}
	}
}
