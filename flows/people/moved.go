package people

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"breakglass/flows"
)

// Move is an e-mail domain of the company that became another.
type Move struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// MovedLink is a link that was set aside, and why it stays so; empty where it need not.
type MovedLink struct {
	Person flows.PersonID `json:"person"`
	Name   string         `json:"name"`
	Why    string         `json:"why,omitempty"`
}

// MovedReport is what became of the links that were set aside.
type MovedReport struct {
	Confirmed []MovedLink `json:"confirmed"`
	Left      []MovedLink `json:"left"`
	Applied   bool        `json:"applied"`
}

var goodDomain = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

// Moved is an admin's word that the company's e-mail domain moved: links that were set
// aside and of which nothing but that changed are in force again. The rest stays.
func (p *People) Moved(ctx context.Context, m Move, dry bool, by flows.Actor) (MovedReport, *flows.Refusal, error) {
	if no, err := p.admin(ctx, by, flows.Finish{}); no != nil || err != nil {
		return MovedReport{}, no, err
	}
	if !goodDomain.MatchString(m.From) || !goodDomain.MatchString(m.To) || strings.EqualFold(m.From, m.To) {
		return MovedReport{}, flows.Refuse(flows.RefusedInput, "Say two different domains, like old.example and new.example. Nothing was changed."), nil
	}
	seen, err := p.lookAtAll(ctx)
	if err != nil {
		return MovedReport{}, nil, fmt.Errorf("ask Slack and PagerDuty about the accounts: %w", err)
	}
	var report MovedReport
	plan := func(ctx context.Context) (flows.Relinking, error) {
		all, err := p.o.Store.Links(ctx)
		if err != nil {
			return flows.Relinking{}, err
		}
		var r flows.Relinking
		report, r = p.moving(all, seen, m, by)
		return r, nil
	}
	if dry {
		_, err := plan(ctx)
		return report, nil, err
	}
	if err := p.o.Recorder.Relink(ctx, flows.Finish{}, plan); err != nil {
		return MovedReport{}, nil, err
	}
	report.Applied = true
	return report, nil, p.o.Book.Refresh(ctx)
}

// moving says which links move, and what is written for it.
func (p *People) moving(all []flows.StoredLink, seen sight, m Move, by flows.Actor) (MovedReport, flows.Relinking) {
	report, r := MovedReport{Confirmed: []MovedLink{}, Left: []MovedLink{}}, flows.Relinking{}
	had := p.holders(all, seen)
	for _, l := range all {
		if l.Held == "" {
			continue
		}
		line := MovedLink{Person: l.Person, Name: l.Name}
		pager := l.PagerDuty
		if own, ok := p.ownLink(l.Person); ok {
			pager, line.Name = own.PagerDuty, own.Name
		}
		profile, user := seen.slack[l.Person], seen.pager[pager]
		if line.Why = m.against(l, profile, user, had); line.Why == "" && l.Person == by.Person {
			line.Why = "nobody confirms their own link"
		}
		if line.Why != "" {
			report.Left = append(report.Left, line)
			continue
		}
		report.Confirmed = append(report.Confirmed, line)
		l.Version++
		if strings.EqualFold(l.Email, l.Seen.Email) {
			l.Email = profile.Email // the old address may be somebody else's by now
		}
		l.Held, l.Confirmer, l.Confirmed = "", by.Person, p.o.Clock.Now()
		l.Seen = flows.Seen{Standing: profile.Standing, Email: profile.Email, Login: user.Email}
		r.Links = append(r.Links, l)
		r.Entries = append(r.Entries, entry("person_link_lifted", by, l, map[string]any{"domain_was": m.From, "domain_is": m.To}))
		r.Jobs = append(append(r.Jobs, p.cards(l)...), p.notice("confirmed/"+string(l.Person), flows.Notice{To: l.Person, About: flows.AboutPeople,
			Detail: "An admin confirmed your link to PagerDuty, as only the company's e-mail domain changed."}))
	}
	if n := len(r.Links); n > 0 {
		links := "1 link that was"
		if n > 1 {
			links = fmt.Sprintf("%d links that were", n)
		}
		r.Jobs = append(r.Jobs, p.tell("moved", by, fmt.Sprintf("confirmed %s set aside, as e-mail addresses moved from %s to %s (still set aside: %d)", links, m.From, m.To, len(report.Left)))...)
	}
	return report, r
}

// holders are those who have an address at Slack, or by the word of a link: by address.
func (p *People) holders(all []flows.StoredLink, seen sight) map[string]map[flows.PersonID]bool {
	out := map[string]map[flows.PersonID]bool{}
	has := func(email string, who flows.PersonID) {
		if email = strings.ToLower(email); email == "" {
			return
		}
		if out[email] == nil {
			out[email] = map[flows.PersonID]bool{}
		}
		out[email][who] = true
	}
	at := map[flows.PagerDutyUser]flows.PersonID{}
	for _, l := range all {
		has(l.Email, l.Person)
		if at[l.PagerDuty] = l.Person; l.Held == "" {
			has(l.Seen.Email, l.Person)
			has(l.Seen.Login, l.Person)
		}
	}
	for _, l := range p.o.Own().Links.All() {
		has(l.Email, l.Person)
		at[l.PagerDuty] = l.Person
	}
	for who, profile := range seen.slack {
		if profile.Standing != flows.StandingDeleted {
			has(profile.Email, who)
		}
	}
	for id, user := range seen.pager {
		who := at[id]
		if who == "" {
			who = flows.PersonID("pagerduty/" + id) // linked to nobody
		}
		has(user.Email, who)
	}
	return out
}

// against says why a link that was set aside stays so; empty where its addresses moved
// and nothing else is known to have changed.
func (m Move) against(l flows.StoredLink, profile flows.Profile, user flows.PagerDutyProfile, had map[string]map[flows.PersonID]bool) string {
	slack := (flows.Seen{Email: "a"}).Slack(flows.Profile{Standing: flows.StandingMember, Email: "b"})
	pager := (flows.Seen{Login: "a"}).PagerDuty(flows.PagerDutyProfile{Email: "b"})
	switch {
	case l.Held != slack && l.Held != pager:
		return l.Held
	case l.State != flows.LinkConfirmed && l.State != flows.LinkWatched:
		return "no admin has confirmed it before"
	case profile.Standing == "" || user.ID == "":
		return "one of the accounts is not there any more"
	case profile.Standing != flows.StandingMember || l.Seen.Standing != flows.StandingMember:
		return "the Slack account is, or was, not a member's"
	case l.Seen.Email == "" || l.Seen.Login == "" || profile.Email == "" || user.Email == "":
		return "not every address is known, before and now"
	case !m.took(l.Seen.Email, profile.Email) || !m.took(l.Seen.Login, user.Email):
		return "an address changed in more than this domain"
	case strings.EqualFold(l.Seen.Email, profile.Email) && strings.EqualFold(l.Seen.Login, user.Email):
		return "the addresses are as they were"
	case len(had[strings.ToLower(profile.Email)]) > 1 || len(had[strings.ToLower(user.Email)]) > 1:
		return "somebody else has, or had, that address"
	}
	return ""
}

// took reports whether an address is as it was, or moved.
func (m Move) took(was, is string) bool {
	if strings.EqualFold(was, is) {
		return true
	}
	local, domain, _ := strings.Cut(strings.ToLower(was), "@")
	return domain == strings.ToLower(m.From) && strings.ToLower(is) == local+"@"+strings.ToLower(m.To)
}
