package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"breakglass/flows"
)

// LookEvery is how often everybody is looked at.
const LookEvery = 6 * time.Hour

// Keep writes down which links were set aside because of what was seen. It is called
// when Book.Found says so.
func (p *People) Keep(ctx context.Context) error {
	held := p.o.Book.unwritten()
	if len(held) == 0 {
		return nil
	}
	err := p.o.Recorder.Relink(ctx, flows.Finish{}, func(ctx context.Context) (flows.Relinking, error) {
		all, err := p.o.Store.Links(ctx)
		if err != nil {
			return flows.Relinking{}, err
		}
		return p.holding(all, held), nil
	})
	if err != nil {
		return fmt.Errorf("set links aside: %w", err)
	}
	if err := p.o.Book.Refresh(ctx); err != nil {
		return err
	}
	p.o.Book.wrote(held)
	return nil
}

// atOnce is how many links that are set aside together get a card of their own.
const atOnce = 10

// holding sets links aside that are not yet.
func (p *People) holding(all []flows.StoredLink, held map[flows.PersonID]string) (r flows.Relinking) {
	now, by := p.o.Clock.Now(), flows.ByEngine()
	people := make([]flows.PersonID, 0, len(held))
	for who := range held {
		people = append(people, who)
	}
	slices.Sort(people)
	for _, who := range people {
		l, stored := of(all, who)
		switch _, own := p.ownLink(who); {
		case l.Held != "", !stored && !own:
			continue
		case !stored:
			l = flows.StoredLink{Person: who, State: flows.LinkWatched, Source: flows.LinkByConfig, At: now}
		}
		l.Version++
		l.Held, l.HeldAt = held[who], now
		if l.Tell = ""; len(r.Links) < atOnce {
			l.Tell = p.card()
		}
		r.Links = append(r.Links, l)
		r.Entries = append(r.Entries, entry("person_link_held", by, l, nil))
		r.Jobs = append(r.Jobs, p.cards(l)...)
		if reachable(l.Held) {
			r.Jobs = append(r.Jobs, p.notice("held/"+string(who), flows.Notice{To: who, About: flows.AboutPeople,
				Detail: "Your link to PagerDuty was set aside: " + l.Held + ". Until an admin confirms it you cannot approve your own requests, and nobody asks you as on call. The admins were told."}))
		}
	}
	if more := len(r.Links) - atOnce; more > 0 {
		r.Jobs = append(r.Jobs, p.tell("held", by, fmt.Sprintf("set %d more links aside, because the accounts changed: breakglass people list --state quarantined", more))...)
	}
	return r
}

// reachable reports whether whoever has the account may be told why it was set aside.
func reachable(why string) bool {
	for _, s := range []flows.Standing{flows.StandingDeleted, flows.StandingForeign, flows.StandingBot} {
		if why == (flows.Seen{}).Slack(flows.Profile{Standing: s}) {
			return false
		}
	}
	return why != goneAtSlack
}

// What is held against a link whose accounts are not there any more.
const (
	goneAtSlack     = "Slack has no such account any more"
	goneAtPagerDuty = "PagerDuty has no such user any more"
)

// Look looks at everybody who is linked, at Slack and at PagerDuty: it is the job
// flows.JobPeople, and puts the next one after itself.
func (p *People) Look(ctx context.Context, j flows.Job) error {
	fin := flows.Finish{Job: &j, Also: func(flows.Outcome) []flows.Job { return []flows.Job{LookJob(p.o.Clock.Now().Add(LookEvery))} }}
	linked := p.watched()
	if len(linked) == 0 {
		return p.o.Recorder.Relink(ctx, fin, func(context.Context) (flows.Relinking, error) { return flows.Relinking{}, nil })
	}
	profiles, slackErr := p.o.Slack.People(ctx)
	users, pagerErr := p.o.PagerDuty.Users(ctx)
	if slackErr != nil && pagerErr != nil {
		return errors.Join(slackErr, pagerErr)
	}
	err := p.o.Recorder.Relink(ctx, fin, func(ctx context.Context) (flows.Relinking, error) {
		all, err := p.o.Store.Links(ctx)
		if err != nil {
			return flows.Relinking{}, err
		}
		held, first := judge(linked, all, profiles, users)
		r := p.holding(all, held)
		if len(first) > 0 {
			r.Links = append(r.Links, first...)
			r.Entries = append(r.Entries, flows.Entry{Verb: "people_seen", Actor: flows.ByEngine(), Facts: map[string]any{"people": int64(len(first))}})
		}
		return r, nil
	})
	if err != nil {
		return err
	}
	return p.o.Book.Refresh(ctx)
}

// watched are the links that are looked at: every one in force.
func (p *People) watched() []flows.Link {
	own := p.o.Own()
	all := p.o.Book.Over(own).Links.All()
	return slices.DeleteFunc(all, func(l flows.Link) bool { return !l.Usable() })
}

// judge says which links are set aside, and of which others the accounts were seen for
// the first time. nil profiles or users: that side was not asked.
func judge(linked []flows.Link, all []flows.StoredLink, profiles map[flows.PersonID]flows.Profile, users map[flows.PagerDutyUser]flows.PagerDutyProfile) (map[flows.PersonID]string, []flows.StoredLink) {
	held := map[flows.PersonID]string{}
	var first []flows.StoredLink
	for _, l := range linked {
		row, stored := of(all, l.Person)
		profile, known := profiles[l.Person]
		user, there := users[l.PagerDuty]
		why := ""
		switch {
		case row.Held != "":
			continue
		case profiles != nil && !known && row.Seen.Standing != "": // what never was there is people check's to say
			why = goneAtSlack
		case users != nil && !there && row.Seen.Login != "":
			why = goneAtPagerDuty
		}
		for _, found := range []string{row.Seen.Slack(profile), row.Seen.PagerDuty(user)} {
			if why == "" {
				why = found
			}
		}
		if why != "" {
			held[l.Person] = why
			continue
		}
		seen := row.Seen
		if known && seen.Standing == "" {
			seen.Standing, seen.Email = profile.Standing, profile.Email
		}
		if known && seen.Email == "" {
			seen.Email = profile.Email
		}
		if there && seen.Login == "" {
			seen.Login = user.Email
		}
		if seen == row.Seen {
			continue
		}
		if !stored {
			row = flows.StoredLink{Person: l.Person, State: flows.LinkWatched, Source: flows.LinkByConfig}
		}
		row.Version++
		row.Seen = seen
		first = append(first, row)
	}
	slices.SortFunc(first, func(a, b flows.StoredLink) int { return compare(a.Person, b.Person) })
	return held, first
}

func compare(a, b flows.PersonID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// LookJob is the job that looks at everybody.
func LookJob(at time.Time) flows.Job {
	return flows.Job{Kind: flows.JobPeople, Key: string(flows.JobPeople), RunAt: at}
}

// Watches reports whether what is said about an account is worth a look: it is linked,
// and is said not to be as it was. People change their pictures and moods all day.
func (p *People) Watches(said flows.Profile) bool {
	seen, linked := p.o.Book.Linked(said.Person)
	return linked && seen.Slack(said) != ""
}

// Changed looks at an account that is said to have changed.
func (p *People) Changed(ctx context.Context, who flows.PersonID, fin flows.Finish) error {
	now, err := p.o.Slack.Profile(ctx, who, true)
	if err != nil {
		return err
	}
	p.o.Book.Saw(now)
	held := p.o.Book.unwritten()
	err = p.o.Recorder.Relink(ctx, fin, func(ctx context.Context) (flows.Relinking, error) {
		all, err := p.o.Store.Links(ctx)
		if err != nil {
			return flows.Relinking{}, err
		}
		return p.holding(all, held), nil
	})
	if err != nil {
		return err
	}
	if err := p.o.Book.Refresh(ctx); err != nil {
		return err
	}
	p.o.Book.wrote(held)
	return nil
}
