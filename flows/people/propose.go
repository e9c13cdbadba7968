package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// met remembers who was looked up lately, so that nobody is looked up at each step.
type met struct {
	mu   sync.Mutex
	last map[flows.PersonID]time.Time
}

// metAgain is how long, and mostMet for how many people.
const (
	metAgain = time.Hour
	mostMet  = 10_000
)

func (m *met) lately(p flows.PersonID, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok := m.last[p]; ok && now.Sub(at) < metAgain {
		return true
	}
	if len(m.last) >= mostMet {
		clear(m.last)
	}
	m.last[p] = now
	return false
}

// Met is told that somebody used Breakglass. Where the operator allows it, a person
// without a link is proposed one: the PagerDuty user who has exactly their e-mail
// address, in a listed domain. It ties nobody until they say that it is them.
func (p *People) Met(ctx context.Context, who flows.PersonID) error {
	if p.o.Domains == nil {
		return nil
	}
	domains := p.o.Domains()
	if len(domains) == 0 || p.met.lately(who, p.o.Clock.Now()) || p.known(who) {
		return nil
	}
	profile, err := p.o.Slack.Profile(ctx, who, true)
	if err != nil || profile.Standing != flows.StandingMember || !listed(profile.Email, domains) {
		return err
	}
	user, err := p.o.PagerDuty.UserByEmail(ctx, profile.Email)
	if errors.Is(err, flows.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.propose(ctx, profile, user)
}

// known reports whether the configuration knows somebody.
func (p *People) known(who flows.PersonID) bool {
	_, own := p.ownLink(who)
	return own
}

// listed reports whether an address is in one of the domains, exactly.
func listed(email string, domains []string) bool {
	_, domain, ok := strings.Cut(strings.ToLower(email), "@")
	return ok && slices.Contains(domains, domain)
}

// propose asks the person whether a PagerDuty user is them, unless either side has a link.
func (p *People) propose(ctx context.Context, profile flows.Profile, user flows.PagerDutyProfile) error {
	next := flows.StoredLink{
		Person: profile.Person, Version: 1, State: flows.LinkProposed, PagerDuty: user.ID, Email: profile.Email, Name: profile.Person.User(),
		Seen:   flows.Seen{Standing: profile.Standing, Email: profile.Email, Login: user.Email},
		Source: flows.LinkByEmail, At: p.o.Clock.Now(), Ask: p.card(),
	}
	err := p.o.Recorder.Relink(ctx, flows.Finish{}, func(ctx context.Context) (flows.Relinking, error) {
		all, err := p.o.Store.Links(ctx)
		if err != nil {
			return flows.Relinking{}, err
		}
		_, taken := find(all, func(l flows.StoredLink) bool { return l.Person == next.Person || l.PagerDuty == next.PagerDuty })
		if why, same := p.o.Own().Links.Contradicts(next); taken || why != "" || same {
			return flows.Relinking{}, nil
		}
		return flows.Relinking{
			Links: []flows.StoredLink{next}, Entries: []flows.Entry{entry("person_link_proposed", flows.ByEngine(), next, nil)}, Jobs: p.cards(next),
		}, nil
	})
	if err != nil {
		return err
	}
	return p.o.Book.Refresh(ctx)
}
