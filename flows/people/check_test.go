package people_test

import (
	"maps"
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/flows/people"
)

// tonight is a company of which nothing is to be said: Dana may ask and is on call, Mara
// decides.
func tonight() people.Tonight {
	dana, mara := flows.Person("T1", "UDANA"), flows.Person("T1", "UMARA")
	return people.Tonight{
		Catalog: &flows.Catalog{
			Team: "T1", FlowOrder: []flows.FlowID{"prod"}, Flows: map[flows.FlowID]*flows.Flow{"prod": {ID: "prod", SelfApproval: flows.SelfOnCall}},
			Links: flows.NewLinks([]flows.Link{
				{Name: "dana", Person: dana, PagerDuty: "PDANA", Email: "dana@x.example"}, {Name: "mara", Person: mara, PagerDuty: "PMARA", Email: "mara@x.example"},
			}),
		},
		Slack: map[flows.PersonID]flows.Profile{
			dana: {Person: dana, Standing: flows.StandingMember, Name: "dana", Email: "dana@x.example"},
			mara: {Person: mara, Standing: flows.StandingMember, Name: "mara", Email: "mara@x.example"},
		},
		PagerDuty: map[flows.PagerDutyUser]flows.PagerDutyProfile{"PDANA": {ID: "PDANA", Email: "dana@x.example"}, "PMARA": {ID: "PMARA", Email: "mara@x.example"}},
		MayAsk:    map[flows.FlowID][]flows.PersonID{"prod": {dana}},
		MayDecide: map[flows.FlowID][]flows.PersonID{"prod": {mara}},
		OnCall:    []flows.OnCallEntry{{User: "PDANA", PolicyName: "primary", Level: 1}},
	}
}

// links are tonight's links with a change to Dana's; nil takes hers away.
func links(change func(*flows.Link)) flows.Links {
	var all []flows.Link
	for _, l := range tonight().Catalog.Links.All() {
		if l.Name == "dana" {
			if change == nil {
				continue
			}
			change(&l)
		}
		all = append(all, l)
	}
	return flows.NewLinks(all)
}

// Each reason for which somebody could not approve for themselves, decide or be asked
// tonight is found, with what to do; and nothing is where all is well.
func TestWhoCouldNot(t *testing.T) {
	t.Parallel()
	dana, mara := flows.Person("T1", "UDANA"), flows.Person("T1", "UMARA")
	as := func(p flows.PersonID, s flows.Standing) func(*people.Tonight) {
		return func(n *people.Tonight) {
			n.Slack = maps.Clone(n.Slack)
			profile := n.Slack[p]
			profile.Standing = s
			n.Slack[p] = profile
		}
	}
	for name, c := range map[string]struct {
		change func(*people.Tonight)
		who    flows.PersonID
		what   people.Problem
		grave  bool
		next   string
	}{
		"nobody at PagerDuty":                 {func(n *people.Tonight) { n.Catalog.Links, n.OnCall = links(nil), nil }, dana, people.ProblemUnlinked, true, "link UDANA --pagerduty PDANA, who has the same e-mail address"},
		"nobody at PagerDuty, and no address": {func(n *people.Tonight) { n.Catalog.Links, n.OnCall, n.PagerDuty = links(nil), nil, nil }, dana, people.ProblemUnlinked, true, "--pagerduty P…"},
		"has not answered": {func(n *people.Tonight) {
			n.Catalog.Links = links(func(l *flows.Link) { l.Proposed = true })
			n.Stored = []flows.StoredLink{{Person: dana, State: flows.LinkProposed}}
		}, dana, people.ProblemUnconfirmed, true, "they answer in Slack"},
		"no admin has confirmed": {func(n *people.Tonight) { n.Catalog.Links = links(func(l *flows.Link) { l.Proposed = true }) }, dana, people.ProblemUnconfirmed, true, "link UDANA --confirm"},
		"set aside": {func(n *people.Tonight) {
			n.Catalog.Links = links(func(l *flows.Link) { l.Quarantined = "the e-mail address changed" })
		}, dana, people.ProblemHeld, true, "link UDANA --confirm"},
		"the configuration says otherwise": {func(n *people.Tonight) {
			n.Conflicts = []flows.LinkConflict{{Person: dana, Why: "it ties them to another"}}
		}, dana, people.ProblemConflict, true, "unlink UDANA"},
		"who decides was deactivated": {as(mara, flows.StandingDeleted), mara, people.ProblemAccount, true, "take them out of the group"},
		"who decides is a bot":        {as(mara, flows.StandingBot), mara, people.ProblemAccount, true, "take them out of the group"},
		"who asks is a stranger":      {as(dana, flows.StandingStranger), dana, people.ProblemAccount, true, "take them out of the group"},
		"who asks is a guest":         {as(dana, flows.StandingGuest), dana, people.ProblemGuest, false, "allow_guests"},
		"Slack knows nobody": {func(n *people.Tonight) {
			n.Slack = map[flows.PersonID]flows.Profile{mara: n.Slack[mara]}
		}, dana, people.ProblemAccount, true, ""},
		"PagerDuty knows nobody": {func(n *people.Tonight) {
			n.PagerDuty = map[flows.PagerDutyUser]flows.PagerDutyProfile{"PMARA": n.PagerDuty["PMARA"]}
		}, dana, people.ProblemPagerDuty, true, "--replace --pagerduty"},
		"on call, and nobody in Slack": {func(n *people.Tonight) {
			n.OnCall = append(n.OnCall, flows.OnCallEntry{User: "PEVE", PolicyName: "primary", Level: 1})
		}, "", people.ProblemOnCall, true, "--pagerduty PEVE"},
		"other addresses": {func(n *people.Tonight) {
			n.PagerDuty = maps.Clone(n.PagerDuty)
			n.PagerDuty["PDANA"] = flows.PagerDutyProfile{ID: "PDANA", Email: "eve@x.example"}
		}, dana, people.ProblemEmail, false, "make sure"},
		"in no flow": {func(n *people.Tonight) { n.MayAsk = nil }, dana, people.ProblemIdle, false, "add them"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := tonight()
			if found := n.Check(); len(found) != 0 {
				t.Fatalf("where all is well: %+v", found)
			}
			c.change(&n)
			for _, f := range n.Check() {
				if f.Person == c.who && f.Problem == c.what && f.Grave == c.grave && f.Says != "" && strings.Contains(f.Next, c.next) {
					return
				}
			}
			t.Errorf("found %+v", n.Check())
		})
	}
}

// What was not read says nothing about anybody: only the links do.
func TestNothingIsSaidOfWhatWasNotRead(t *testing.T) {
	t.Parallel()
	n := tonight()
	n.Slack, n.PagerDuty, n.OnCall = nil, nil, nil
	if found := n.Check(); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}
