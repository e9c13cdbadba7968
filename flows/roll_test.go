package flows_test

import (
	"context"
	"errors"
	"testing"

	"breakglass/flows"
)

// house is a directory of standings and of one group; others cannot be read.
type house map[flows.PersonID]flows.Standing

func (h house) Profile(_ context.Context, p flows.PersonID, _ bool) (flows.Profile, error) {
	return flows.Profile{Person: p, Standing: h[p]}, nil
}

func (house) Members(_ context.Context, refs []flows.Principal) ([]flows.PersonID, error) {
	if len(refs) == 1 && refs[0] == "@sre" {
		return []flows.PersonID{"T/USRE"}, nil
	}
	return nil, errors.New("it cannot be read")
}

// TestWhoReviews: a review is the fallback's to do while it is open, of members who had
// no part in the request, and stays with who did it.
func TestWhoReviews(t *testing.T) {
	t.Parallel()
	h := house{"T/USRE": flows.StandingMember, "T/UONE": flows.StandingMember, "T/UGUEST": flows.StandingGuest, "T/UGONE": flows.StandingDeleted, "T/UDANA": flows.StandingMember, "T/USAM": flows.StandingMember}
	cat := &flows.Catalog{Team: "T", Flows: map[flows.FlowID]*flows.Flow{
		"prod": {ID: "prod", Fallback: flows.Fallback{Approvers: []flows.Principal{"@lost", "UONE", "UGUEST", "UGONE", "UDANA", "@sre"}}},
	}}
	roll := flows.Roll{Catalog: func() *flows.Catalog { return cat }, Directory: h}
	request := func(flow flows.FlowID, is flows.ReviewState) *flows.Request {
		return &flows.Request{Content: flows.Content{Flow: flow, Requester: "T/UDANA", Beneficiary: "T/UDANA"}, Review: &flows.Review{State: is, By: "T/UONE"}}
	}
	for _, c := range []struct {
		who  flows.PersonID
		r    *flows.Request
		want bool
	}{
		{"T/UONE", request("prod", flows.ReviewOpen), true},
		{"T/USRE", request("prod", flows.ReviewOpen), true},
		{"T/UGUEST", request("prod", flows.ReviewOpen), false},
		{"T/UGONE", request("prod", flows.ReviewOpen), false},
		{"T/UDANA", request("prod", flows.ReviewOpen), false},
		{"T/USAM", request("prod", flows.ReviewOpen), false},
		{"X/UONE", request("prod", flows.ReviewOpen), false},
		{"", request("prod", flows.ReviewOpen), false},
		{"T/UONE", request("gone", flows.ReviewOpen), false},
		{"T/UONE", request("prod", flows.ReviewNone), false},
		{"T/UONE", &flows.Request{Content: flows.Content{Flow: "prod"}}, false},
		{"T/UONE", request("gone", flows.ReviewClosed), true},
		{"T/USRE", request("prod", flows.ReviewClosed), false},
	} {
		if got := roll.Reviews(t.Context(), c.r, c.who); got != c.want {
			t.Errorf("the review in %s, %q, is %s's: %v", c.r.Content.Flow, c.r.ReviewIs(), c.who, got)
		}
	}
}
