package people

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"breakglass/flows"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// Answer is what somebody says about the link that was proposed to them: yes, that is
// me, or no. Nobody else can say it.
func (p *People) Answer(ctx context.Context, card string, yes bool, by flows.Actor, fin flows.Finish) (*flows.Refusal, error) {
	by.Standing = p.o.Roll.Of(ctx, by.Person, true).Standing
	seen, unseen, err := p.asItIs(ctx, func(l flows.StoredLink) bool { return l.Ask == card })
	if err != nil {
		return nil, err
	}
	return p.change(ctx, fin, by, func(all []flows.StoredLink) (flows.Relinking, *flows.Refusal) {
		l, ok := find(all, func(l flows.StoredLink) bool { return l.Ask == card })
		switch {
		case !ok, l.Person != by.Person:
			return flows.Relinking{}, overtaken()
		case by.Standing != flows.StandingMember:
			return flows.Relinking{}, flows.Refuse(flows.RefusedStanding, "Your Slack account is %s now, so it was not linked.", Standing(by.Standing))
		case l.State != flows.LinkProposed:
			return flows.Relinking{}, overtaken()
		case !yes:
			e := entry("person_link_declined", by, l, nil)
			l.Version++
			l.State, l.PagerDuty = flows.LinkDeclined, ""
			return flows.Relinking{
				Links: []flows.StoredLink{l}, Entries: []flows.Entry{e},
				Jobs: append(p.cards(l), p.tell("declined", by, "says that the PagerDuty user with their e-mail address is not them; nothing was linked")...),
			}, nil
		case unseen != nil:
			return flows.Relinking{}, unseen
		case !same(seen, l.Seen) || !strings.EqualFold(seen.Email, seen.Login):
			return flows.Relinking{}, flows.Refuse(flows.RefusedState, "One of the accounts changed since you were asked, so you were not linked.").Then("An admin can link you.")
		}
		l.Version++
		l.State, l.Tell = flows.LinkClaimed, p.card()
		return flows.Relinking{Links: []flows.StoredLink{l}, Entries: []flows.Entry{entry("person_link_claimed", by, l, nil)}, Jobs: p.cards(l)}, nil
	})
}

// Rule is an admin's word about the link on a card: confirmed (or no longer set aside),
// or taken away.
func (p *People) Rule(ctx context.Context, card string, keep bool, by flows.Actor, fin flows.Finish) (*flows.Refusal, error) {
	is := func(l flows.StoredLink) bool { return card != "" && l.Tell == card }
	if keep {
		return p.confirm(ctx, is, by, fin)
	}
	return p.unlink(ctx, is, by, fin)
}

// Confirm is an admin's word that a person's link is right: one that was claimed, or that
// was set aside.
func (p *People) Confirm(ctx context.Context, who flows.PersonID, by flows.Actor, fin flows.Finish) (*flows.Refusal, error) {
	return p.confirm(ctx, func(l flows.StoredLink) bool { return l.Person == who }, by, fin)
}

func (p *People) confirm(ctx context.Context, is func(flows.StoredLink) bool, by flows.Actor, fin flows.Finish) (*flows.Refusal, error) {
	if no, err := p.admin(ctx, by, fin); no != nil || err != nil {
		return no, err
	}
	seen, no, err := p.asItIs(ctx, is)
	if err != nil {
		return nil, err
	}
	return p.change(ctx, fin, by, func(all []flows.StoredLink) (flows.Relinking, *flows.Refusal) {
		l, ok := find(all, is)
		switch {
		case !ok:
			return flows.Relinking{}, overtaken()
		case no != nil:
			return flows.Relinking{}, no
		case l.Person == by.Person:
			return flows.Relinking{}, flows.Refuse(flows.RefusedOwnRequest, "Nobody confirms their own link. Nothing was changed.").Then("Another admin can, or the operator with breakglass people link --confirm.")
		case l.State == flows.LinkProposed:
			return flows.Relinking{}, flows.Refuse(flows.RefusedState, "The person has not said yet that it is them. Nothing was changed.")
		case l.Held == "" && l.State != flows.LinkClaimed:
			return flows.Relinking{}, flows.Refuse(flows.RefusedState, "This link needs no confirmation: it is in force. Nothing was changed.")
		case l.Held == "" && !same(seen, l.Seen):
			return flows.Relinking{}, flows.Refuse(flows.RefusedState, "One of the accounts changed since the person said that it is them. Nothing was changed.").
				Then("Unlink the person, and link them to the user that they have.")
		}
		verb := "person_link_confirmed"
		if l.Held != "" {
			verb = "person_link_lifted"
		}
		l.Version++
		if l.State == flows.LinkClaimed {
			l.State = flows.LinkConfirmed
		}
		if strings.EqualFold(l.Email, l.Seen.Email) {
			l.Email = seen.Email // the old address may be somebody else's by now
		}
		l.Held, l.Seen, l.Confirmer, l.Confirmed = "", seen, by.Person, p.o.Clock.Now()
		jobs := append(p.cards(l), p.notice("confirmed/"+string(l.Person), flows.Notice{To: l.Person, About: flows.AboutPeople,
			Detail: "An admin confirmed who you are at PagerDuty. You can approve your own requests while you are on call, where a flow says so."}))
		if by.Person == "" {
			jobs = append(jobs, p.tell("confirmed", by, "confirmed the link of "+flows.Mention(l.Person))...)
		}
		return flows.Relinking{Links: []flows.StoredLink{l}, Entries: []flows.Entry{entry(verb, by, l, nil)}, Jobs: jobs}, nil
	})
}

// same reports whether both accounts have the addresses that were seen.
func same(now, seen flows.Seen) bool {
	return strings.EqualFold(now.Email, seen.Email) && strings.EqualFold(now.Login, seen.Login)
}

// asItIs looks the accounts of a link up, so that what is confirmed is what is there now.
func (p *People) asItIs(ctx context.Context, is func(flows.StoredLink) bool) (flows.Seen, *flows.Refusal, error) {
	all, err := p.o.Store.Links(ctx)
	if err != nil {
		return flows.Seen{}, nil, err
	}
	l, ok := find(all, is)
	if !ok {
		return flows.Seen{}, nil, nil
	}
	profile, err := p.o.Slack.Profile(ctx, l.Person, true)
	if err != nil {
		return flows.Seen{}, flows.Refuse(flows.RefusedCouldNotCheck, "Slack did not say how the account is. Nothing was changed.").Then("Try again in a minute."), nil
	}
	if profile.Standing != flows.StandingMember && profile.Standing != flows.StandingGuest {
		return flows.Seen{}, flows.Refuse(flows.RefusedStanding, "The Slack account is %s. Nothing was changed.", Standing(profile.Standing)), nil
	}
	seen := flows.Seen{Standing: profile.Standing, Email: profile.Email}
	pager := l.PagerDuty
	if own, ok := p.ownLink(l.Person); ok {
		pager = own.PagerDuty
	}
	user, err := p.o.PagerDuty.User(ctx, pager)
	switch {
	case errors.Is(err, flows.ErrNotFound):
		return flows.Seen{}, flows.Refuse(flows.RefusedInput, "PagerDuty has no user %s any more. Nothing was changed.", pager).Then("Unlink the person, and link them to the user that they have."), nil
	case err != nil:
		return flows.Seen{}, flows.Refuse(flows.RefusedCouldNotCheck, "PagerDuty did not say how the account is. Nothing was changed.").Then("Try again in a minute."), nil
	}
	seen.Login = user.Email
	return seen, nil, nil
}

// ownLink is what the configuration says about a person, usable or not.
func (p *People) ownLink(who flows.PersonID) (flows.Link, bool) {
	for _, l := range p.o.Own().Links.All() {
		if l.Person == who {
			return l, true
		}
	}
	return flows.Link{}, false
}

// overtaken is the answer to a word about a link that is not there any more.
func overtaken() *flows.Refusal {
	return flows.Refuse(flows.RefusedStaleCard, "This is settled already, or there is nothing like it any more. Nothing was changed.")
}

// admin refuses, on the record, who is no admin.
func (p *People) admin(ctx context.Context, by flows.Actor, fin flows.Finish) (*flows.Refusal, error) {
	if by.Person == "" && by.Admin {
		return nil, nil // the operator: their door said so
	}
	if k := p.o.Roll.Of(ctx, by.Person, true); k.Is(flows.RoleAdmin) && k.Standing == flows.StandingMember {
		return nil, nil
	}
	no := flows.Refuse(flows.RefusedNotAllowed, "Only an admin can do that. Nothing was changed.").Then("Admins are named in the configuration, under roles.")
	return no, p.refused(ctx, by, no, fin)
}

// refused records a refusal, and finishes with it.
func (p *People) refused(ctx context.Context, by flows.Actor, no *flows.Refusal, fin flows.Finish) error {
	also := fin.Also
	fin.Also = func(flows.Outcome) []flows.Job {
		if also == nil {
			return nil
		}
		return also(flows.Outcome{Refusal: no})
	}
	return p.o.Recorder.Record(ctx, chain, flows.Entry{Verb: "refused", Actor: by, Code: no.Code, Facts: map[string]any{"asked_for": "link"}}, fin)
}

// change changes links as decide says on what is stored, or records its no.
func (p *People) change(ctx context.Context, fin flows.Finish, by flows.Actor, decide func([]flows.StoredLink) (flows.Relinking, *flows.Refusal)) (*flows.Refusal, error) {
	return p.changing(ctx, fin, by, func(all []flows.StoredLink) (flows.Relinking, *flows.Refusal, error) {
		r, no := decide(all)
		return r, no, nil
	})
}

// changing is change where deciding may fail.
func (p *People) changing(ctx context.Context, fin flows.Finish, by flows.Actor, decide func([]flows.StoredLink) (flows.Relinking, *flows.Refusal, error)) (*flows.Refusal, error) {
	var no *flows.Refusal
	err := p.o.Recorder.Relink(ctx, fin, func(ctx context.Context) (flows.Relinking, error) {
		all, err := p.o.Store.Links(ctx)
		if err != nil {
			return flows.Relinking{}, err
		}
		r, refusal, err := decide(all)
		if err != nil {
			return flows.Relinking{}, err
		}
		if no = refusal; no != nil {
			return flows.Relinking{}, errRefused
		}
		return r, nil
	})
	if errors.Is(err, errRefused) {
		return no, p.refused(ctx, by, no, fin)
	}
	if err != nil {
		return nil, err
	}
	return nil, p.o.Book.Refresh(ctx)
}

// errRefused stops a change that is refused.
var errRefused = errors.New("refused")
