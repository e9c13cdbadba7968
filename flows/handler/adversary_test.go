package handler

import (
	"testing"

	"breakglass/flows"
)

// The handler says of each stage whether it named somebody, or whoever was in a group.
func TestGroupsAreMarked(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"def get_approvers(evt):\n    return slack.user(evt.user)":                                                  false,
		"def get_approvers(evt):\n    return slack.group([evt.user])":                                               true,
		"def get_approvers(evt):\n    return slack.group(pagerduty.users_on_call(escalation_policy_name=\"prod\"))": true,
	} {
		ev := New(Options{OnCall: testRota()}).Reduce(t.Context(), testInput("from breakglass import pagerduty, slack\n"+source, dana))
		if ev.Proposal == nil || len(ev.Proposal.Stages) != 1 {
			t.Fatalf("%s: %+v", source, ev)
		}
		if s := ev.Proposal.Stages[0]; s.Group != want || len(s.People) != 1 || s.People[0] != flows.PersonID(dana) {
			t.Errorf("%s: %+v", source, s)
		}
	}
}
