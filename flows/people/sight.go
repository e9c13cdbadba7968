package people

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"breakglass/flows"
)

// sight is what the vendors say about accounts.
type sight struct {
	checked bool
	slack   map[flows.PersonID]flows.Profile
	pager   map[flows.PagerDutyUser]flows.PagerDutyProfile
}

// oneByOne is up to how many people are asked about by themselves; more are listed.
const oneByOne = 20

// lookAt asks both vendors about the accounts of wishes.
func (p *People) lookAt(ctx context.Context, wishes []Wish) (sight, error) {
	if len(wishes) > oneByOne {
		return p.lookAtAll(ctx)
	}
	s := sight{checked: true, slack: map[flows.PersonID]flows.Profile{}, pager: map[flows.PagerDutyUser]flows.PagerDutyProfile{}}
	for _, w := range wishes {
		w = w.clean()
		if len(w.Mistakes()) > 0 {
			continue
		}
		who := w.person(p.o.Own().Team)
		profile, err := p.o.Slack.Profile(ctx, who, true)
		switch {
		case unknownUser(err):
		case err != nil:
			return sight{}, err
		default:
			s.slack[who] = profile
		}
		user, err := p.o.PagerDuty.User(ctx, flows.PagerDutyUser(w.PagerDuty))
		switch {
		case errors.Is(err, flows.ErrNotFound):
		case err != nil:
			return sight{}, err
		default:
			s.pager[user.ID] = user
		}
	}
	return s, nil
}

func (p *People) lookAtAll(ctx context.Context) (s sight, err error) {
	if s.slack, err = p.o.Slack.People(ctx); err != nil {
		return s, err
	}
	s.pager, err = p.o.PagerDuty.Users(ctx)
	s.checked = err == nil
	return s, err
}

// unknownUser reports whether Slack said that there is no such user.
func unknownUser(err error) bool {
	var e interface{ SlackCode() string }
	return errors.As(err, &e) && (e.SlackCode() == "user_not_found" || e.SlackCode() == "users_not_found")
}

// accounts holds a wish to both accounts: what is wrong is a mistake, what is odd comes
// back as warnings.
func (p *plan) accounts(w Wish, who flows.PersonID) (odd []string) {
	if !p.seen.checked {
		return nil
	}
	profile, known := p.seen.slack[who]
	switch {
	case !known:
		p.wrong(w.Line, "Slack has no user %s in this workspace", w.Slack)
	case profile.Standing == flows.StandingGuest:
		odd = append(odd, "a guest at Slack: may ask only where a flow allows guests, and never decides")
	case profile.Standing != flows.StandingMember:
		p.wrong(w.Line, "%s is %s at Slack", w.Slack, Standing(profile.Standing))
	}
	if known && w.Email != "" && profile.Email != "" && !strings.EqualFold(w.Email, profile.Email) {
		p.wrong(w.Line, "%s has another e-mail address at Slack than the line says", w.Slack)
	}
	user, known := p.seen.pager[flows.PagerDutyUser(w.PagerDuty)]
	if !known {
		p.wrong(w.Line, "PagerDuty has no user %s", w.PagerDuty)
		return odd
	}
	if mail := profile.Email; mail != "" && !strings.EqualFold(mail, user.Email) {
		odd = append(odd, fmt.Sprintf("the e-mail addresses at Slack and PagerDuty differ: whoever is %s at PagerDuty approves as %s", w.PagerDuty, w.Slack))
	}
	return odd
}

// look notes how the accounts are as the link is made.
func (p *plan) look(l *flows.StoredLink) {
	if !p.seen.checked {
		return // the next look at everybody does it
	}
	profile := p.seen.slack[l.Person]
	l.Seen = flows.Seen{Standing: profile.Standing, Email: profile.Email, Login: p.seen.pager[l.PagerDuty].Email}
}

// Standing is a standing in the middle of a sentence.
func Standing(s flows.Standing) string {
	return map[flows.Standing]string{
		flows.StandingMember: "a member", flows.StandingGuest: "a guest", flows.StandingStranger: "of another organisation",
		flows.StandingForeign: "of another team", flows.StandingBot: "a bot", flows.StandingDeleted: "deactivated", flows.StandingUnknown: "not known",
	}[s]
}
