package app

import (
	"context"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/flows/people"
)

// firstLook is how long after a start everybody who is linked is looked at.
const firstLook = 5 * time.Minute

// buildPeople makes what keeps who is who.
func (a *App) buildPeople() {
	a.who = people.New(people.Options{
		Store: a.store, Recorder: a.engine, Book: a.book, Own: func() *flows.Catalog { return a.conf().Catalog },
		Roll: flows.Roll{Catalog: a.Catalog, Directory: a.people}, Slack: a.slack, PagerDuty: a.pager, Clock: a.o.Clock, IDs: a.o.IDs,
		Domains: func() []string { return a.conf().Settings.ProposeFrom }, Tell: a.errorsTo,
	})
}

// refreshBook reads the links again, if they changed. What cannot be read stays as it was:
// a store that does not answer decides nothing either.
func (a *App) refreshBook(ctx context.Context) {
	if err := a.book.Refresh(ctx); err != nil {
		a.log.WarnContext(ctx, "who is who could not be read again", "error", err)
	}
}

// keepPeople writes down which links were set aside, as soon as that is seen; what could
// not be written is tried again.
func (a *App) keepPeople(ctx context.Context) {
	for {
		tick, stop := flows.After(a.o.Clock, guardEvery)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-a.book.Found():
			stop()
		case <-tick:
			a.refreshBook(ctx)
		}
		a.sayConflicts(ctx)
		if err := a.who.Keep(ctx); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "a link that was set aside could not be written down", "error", err)
		}
	}
}

// sayConflicts says, once each, which stored links the configuration contradicts.
func (a *App) sayConflicts(ctx context.Context) {
	a.Catalog() // of which the conflicts are
	for _, x := range a.book.Conflicts() {
		if a.contradicted[x] {
			continue
		}
		now := a.o.Clock.Now()
		fin := flows.Finish{}
		if channel := a.errorsTo(); channel != "" {
			fin.Also = func(flows.Outcome) []flows.Job {
				return []flows.Job{operatorNotice("links-contradicted/"+x.Person.User()+"/"+fmt.Sprint(now.UnixMilli()), channel,
					"The stored link of "+x.Person.User()+" ties nobody: "+x.Why+". The configuration wins; unlink it, or change the configuration.", now)}
			}
		}
		err := a.engine.Record(ctx, "system", flows.Entry{Verb: "person_link_contradicted", Actor: flows.ByEngine(), Facts: map[string]any{
			"person": flows.Personal{About: x.Person, Value: string(x.Person)}, "why": flows.Personal{About: x.Person, Value: x.Why},
		}}, fin)
		if err != nil {
			a.log.ErrorContext(ctx, "say that a link is contradicted", "error", err)
			return
		}
		a.contradicted[x] = true
	}
}

// nameOf is how a person is called: as their link calls them, else their Slack id.
func (a *App) nameOf(p flows.PersonID) string {
	if name, ok := a.Catalog().Links.Called(p); ok {
		return name
	}
	return p.User()
}
