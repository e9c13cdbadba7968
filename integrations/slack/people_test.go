package slack_test

import (
	"fmt"
	"testing"

	"breakglass/flows"
	"breakglass/integrations/slack"
	"breakglass/integrations/slackfake"
)

// Everybody in a large workspace, page by page, and as each is by themselves.
func TestPeople(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w *slackfake.Options, o *slack.Options) { w.RateLimits.Off, o.NoPacing = true, true })
	for i := range 1200 {
		b.AddUser(slackfake.User{ID: fmt.Sprintf("U%05d", i), DisplayName: fmt.Sprintf("p%d", i), Email: fmt.Sprintf("p%d@acme.example", i), Deleted: i == 7, IsRestricted: i == 8, IsBot: i == 9})
	}
	all, err := b.client.People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 1202 {
		t.Errorf("%d people", len(all))
	}
	for id, want := range map[string]flows.Standing{"U00007": flows.StandingDeleted, "U00008": flows.StandingGuest, "U00009": flows.StandingBot, "U01199": flows.StandingMember} {
		p := flows.Person("T0ACME", id)
		one, err := b.client.Profile(t.Context(), p, true)
		if err != nil {
			t.Fatal(err)
		}
		if all[p] != one || one.Standing != want {
			t.Errorf("in the list %+v, alone %+v, want %s", all[p], one, want)
		}
	}
	b.Fail(slackfake.Fault{Method: "users.list", Times: 1, Error: "internal_error"})
	if some, err := b.client.People(t.Context()); err == nil || some != nil {
		t.Errorf("a list that broke off is %d people, %v", len(some), err)
	}
}
