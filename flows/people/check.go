package people

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"breakglass/flows"
)

// Problem is what keeps somebody from doing what they should be able to do tonight.
type Problem string

// The problems. Those of guests, addresses and flows keep nobody
// from anything that they should be able to do.
const (
	ProblemUnlinked    Problem = "unlinked"          // no link: cannot approve their own request
	ProblemUnconfirmed Problem = "unconfirmed"       // proposed or claimed, and no admin's word yet
	ProblemHeld        Problem = "quarantined"       // the account changed
	ProblemConflict    Problem = "conflict"          // the configuration contradicts the link
	ProblemAccount     Problem = "account"           // deactivated, a guest, a bot, of another team
	ProblemGuest       Problem = "guest"             // may ask by group, and no flow of theirs allows guests
	ProblemPagerDuty   Problem = "pagerduty_missing" // the PagerDuty user is not there
	ProblemOnCall      Problem = "on_call_unlinked"  // on call now, and nobody in Slack
	ProblemEmail       Problem = "email_differs"     // at Slack and PagerDuty
	ProblemIdle        Problem = "no_flow"           // linked, and may neither ask nor decide anywhere
)

// grave reports whether the problem keeps somebody from something.
func (p Problem) grave() bool { return p != ProblemEmail && p != ProblemIdle && p != ProblemGuest }

// Finding is one problem of one person.
type Finding struct {
	Person    flows.PersonID      `json:"person,omitempty"` // empty: nobody in Slack is known
	PagerDuty flows.PagerDutyUser `json:"pagerduty,omitempty"`
	Name      string              `json:"name"`
	Problem   Problem             `json:"problem"`
	Grave     bool                `json:"grave"`
	Says      string              `json:"says"`
	Next      string              `json:"next,omitempty"`
}

// Tonight is everything that a check looks at, as it was read.
type Tonight struct {
	Catalog   *flows.Catalog // with the links of the store
	Stored    []flows.StoredLink
	Conflicts []flows.LinkConflict
	Slack     map[flows.PersonID]flows.Profile               // nil: not known
	PagerDuty map[flows.PagerDutyUser]flows.PagerDutyProfile // nil: not known
	MayAsk    map[flows.FlowID][]flows.PersonID
	MayDecide map[flows.FlowID][]flows.PersonID // of the fallback
	OnCall    []flows.OnCallEntry
}

// checking is one check.
type checking struct {
	Tonight
	found []Finding
	does  map[flows.PersonID][]string // in which flows somebody may ask or decide
}

// Check finds who could not approve their own request, decide, or be asked tonight, and
// why; by name, those who are kept from something first.
func (t Tonight) Check() []Finding {
	c := &checking{Tonight: t, does: map[flows.PersonID][]string{}, found: []Finding{}}
	for _, id := range t.Catalog.FlowOrder {
		for _, p := range t.MayAsk[id] {
			c.does[p] = append(c.does[p], "ask in "+string(id))
		}
		for _, p := range t.MayDecide[id] {
			c.does[p] = append(c.does[p], "decide in "+string(id))
		}
	}
	for p := range c.does {
		c.able(p)
	}
	for _, l := range t.Catalog.Links.All() {
		c.linked(l)
	}
	for _, x := range t.Conflicts {
		c.add(x.Person, "", ProblemConflict, "the stored link ties nobody: "+x.Why, "breakglass people unlink "+x.Person.User()+", or change the configuration")
	}
	for _, e := range t.OnCall {
		c.duty(e)
	}
	slices.SortFunc(c.found, func(a, b Finding) int {
		if a.Grave != b.Grave {
			return map[bool]int{true: -1, false: 1}[a.Grave]
		}
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Problem), string(b.Problem)))
	})
	return slices.CompactFunc(c.found, func(a, b Finding) bool { return a == b })
}

func (c *checking) add(p flows.PersonID, pager flows.PagerDutyUser, what Problem, says, next string) {
	name, known := c.Catalog.Links.Called(p)
	switch {
	case known:
	case c.Slack[p].Name != "":
		name = c.Slack[p].Name
	case p != "":
		name = p.User()
	default:
		name = c.PagerDuty[pager].Name
	}
	c.found = append(c.found, Finding{Person: p, PagerDuty: pager, Name: name, Problem: what, Grave: what.grave(), Says: says, Next: next})
}

// able looks at somebody who may ask or decide.
func (c *checking) able(p flows.PersonID) {
	profile, known := c.Slack[p]
	does := strings.Join(c.does[p], ", ")
	switch {
	case p.IsService():
		return
	case c.Slack != nil && !known:
		c.add(p, "", ProblemAccount, "may "+does+", and Slack has no such user", "take them out of the group or the configuration")
		return
	case known && profile.Standing == flows.StandingGuest && c.guestsOnly(p):
		return
	case known && profile.Standing == flows.StandingGuest:
		c.add(p, "", ProblemGuest, "may "+does+" by the configuration, and is a guest at Slack: neither asks nor decides", "take them out of the group, or say allow_guests in the flow")
		return
	case known && profile.Standing != flows.StandingMember:
		c.add(p, "", ProblemAccount, "may "+does+", and is "+Standing(profile.Standing)+" at Slack", "take them out of the group, or have an admin of Slack change the account")
		return
	}
	if flow := c.selfFlow(p); flow != "" && !c.hasLink(p) {
		next := "breakglass people link " + p.User() + " --pagerduty P…"
		if user, ok := c.sameMail(profile); ok {
			next = "breakglass people link " + p.User() + " --pagerduty " + string(user.ID) + ", who has the same e-mail address"
		}
		c.add(p, "", ProblemUnlinked, "may ask in "+flow+", and is linked to nobody at PagerDuty: cannot approve their own request when on call", next)
	}
}

// guestsOnly reports whether a guest may do what they may: ask where guests may.
func (c *checking) guestsOnly(p flows.PersonID) bool {
	for id, people := range c.MayAsk {
		if slices.Contains(people, p) && !c.Catalog.Flows[id].AllowGuests {
			return false
		}
	}
	for _, people := range c.MayDecide {
		if slices.Contains(people, p) {
			return false
		}
	}
	return true
}

// selfFlow is a flow in which somebody who is on call approves their own request.
func (c *checking) selfFlow(p flows.PersonID) string {
	for _, id := range c.Catalog.FlowOrder {
		if c.Catalog.Flows[id].SelfApproval == flows.SelfOnCall && slices.Contains(c.MayAsk[id], p) {
			return string(id)
		}
	}
	return ""
}

// hasLink reports whether there is a link, in force or not: that is said by itself.
func (c *checking) hasLink(p flows.PersonID) bool {
	_, ok := c.Catalog.Links.Called(p)
	return ok
}

func (c *checking) sameMail(profile flows.Profile) (flows.PagerDutyProfile, bool) {
	for _, u := range c.PagerDuty {
		if profile.Email != "" && strings.EqualFold(u.Email, profile.Email) {
			return u, true
		}
	}
	return flows.PagerDutyProfile{}, false
}

// linked looks at a link.
func (c *checking) linked(l flows.Link) {
	row, _ := of(c.Stored, l.Person)
	confirm := "breakglass people link " + l.Person.User() + " --confirm"
	switch {
	case row.State == flows.LinkProposed && row.Held == "":
		c.add(l.Person, l.PagerDuty, ProblemUnconfirmed, "was asked whether "+string(l.PagerDuty)+" is them, and has not answered", "they answer in Slack, or breakglass people link "+l.Person.User()+" --pagerduty "+string(l.PagerDuty))
	case l.Quarantined != "":
		c.add(l.Person, l.PagerDuty, ProblemHeld, "the link is set aside: "+l.Quarantined, "look who has the accounts, then "+confirm)
	case l.Proposed:
		c.add(l.Person, l.PagerDuty, ProblemUnconfirmed, "said who they are at PagerDuty, and no admin has confirmed it: cannot approve their own request", confirm)
	}
	profile, known := c.Slack[l.Person]
	user, there := c.PagerDuty[l.PagerDuty]
	switch {
	case c.Slack != nil && !known:
		c.add(l.Person, l.PagerDuty, ProblemAccount, "is linked, and Slack has no such user", "breakglass people unlink "+l.Person.User())
	case known && profile.Standing != flows.StandingMember && profile.Standing != flows.StandingGuest && len(c.does[l.Person]) == 0:
		c.add(l.Person, l.PagerDuty, ProblemAccount, "is linked, and is "+Standing(profile.Standing)+" at Slack", "breakglass people unlink "+l.Person.User())
	}
	switch {
	case c.PagerDuty != nil && !there:
		c.add(l.Person, l.PagerDuty, ProblemPagerDuty, "is linked to "+string(l.PagerDuty)+", and PagerDuty has no such user", "breakglass people link "+l.Person.User()+" --replace --pagerduty P…")
	case known && there && profile.Email != "" && !strings.EqualFold(profile.Email, user.Email):
		c.add(l.Person, l.PagerDuty, ProblemEmail, "has other e-mail addresses at Slack and PagerDuty: whoever is "+string(l.PagerDuty)+" there approves as they", "make sure that both accounts are theirs")
	}
	if len(c.does[l.Person]) == 0 && !slices.Contains(c.Catalog.Admins, flows.Principal(l.Person.User())) && !slices.Contains(c.Catalog.Auditors, flows.Principal(l.Person.User())) {
		c.add(l.Person, l.PagerDuty, ProblemIdle, "is linked, and is in no flow's requesters", "add them to the group that may ask, or unlink them")
	}
}

// duty looks at who is on call now.
func (c *checking) duty(e flows.OnCallEntry) {
	if _, ok := c.Catalog.Links.At(e.User); ok {
		return
	}
	for _, l := range c.Catalog.Links.All() {
		if l.PagerDuty == e.User {
			return // it is said why that one is not in force
		}
	}
	where := e.PolicyName
	if where == "" {
		where = e.Schedule
	}
	c.add("", e.User, ProblemOnCall, fmt.Sprintf("is on call for %s, level %d, and linked to nobody in Slack: is not asked, and cannot approve", flows.NewText(where).Raw(), e.Level),
		"breakglass people link U… --pagerduty "+string(e.User))
}
