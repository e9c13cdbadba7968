// Package people keeps who is who: it links Slack users to PagerDuty users and company
// sign-ins by an admin's word, proposes links by e-mail address where that is allowed,
// sets links aside when an account changes, and says who could not do anything tonight.
// Every change is an audit entry, in the same transaction. It imports package flows and
// the standard library.
//
// Read first: plan.go (what an import does, and what is wrong with it), import.go (how it
// is applied), propose.go and rule.go (from a proposal to a confirmed link), watch.go (how
// a link is set aside), book.go (what everybody else sees).
package people

import (
	"context"
	"time"

	"breakglass/flows"
)

// Store keeps links, pins and passes.
type Store interface {
	// Links lists every stored link.
	Links(ctx context.Context) ([]flows.StoredLink, error)
	// Pins lists every pinned sign-in.
	Pins(ctx context.Context) ([]flows.Pin, error)
	// Passes lists somebody's live passes.
	Passes(ctx context.Context, holder flows.PersonID, now time.Time) ([]flows.Pass, error)
}

// Recorder changes who is who together with the entries that say so.
type Recorder interface {
	// Relink applies what plan says; see flows.Engine.
	Relink(ctx context.Context, fin flows.Finish, plan func(context.Context) (flows.Relinking, error)) error
	// Record writes one entry.
	Record(ctx context.Context, chain string, e flows.Entry, fin flows.Finish) error
}

// Slack is the company's Slack. Errors mean unknown.
type Slack interface {
	// Profile reads a person; fresh asks now.
	Profile(ctx context.Context, p flows.PersonID, fresh bool) (flows.Profile, error)
	// People reads everybody.
	People(ctx context.Context) (map[flows.PersonID]flows.Profile, error)
}

// PagerDuty is the company's PagerDuty. flows.ErrNotFound where there is nobody.
type PagerDuty interface {
	// User reads a person.
	User(ctx context.Context, id flows.PagerDutyUser) (flows.PagerDutyProfile, error)
	// Users reads everybody.
	Users(ctx context.Context) (map[flows.PagerDutyUser]flows.PagerDutyProfile, error)
	// UserByEmail finds who has exactly that login.
	UserByEmail(ctx context.Context, email string) (flows.PagerDutyProfile, error)
}

// Options are what People work with; all but Domains are required.
type Options struct {
	Store     Store
	Recorder  Recorder
	Book      *Book
	Own       func() *flows.Catalog // the configuration, without the links of the store
	Roll      flows.Roll
	Slack     Slack
	PagerDuty PagerDuty
	Clock     flows.Clock
	IDs       flows.IDs
	Domains   func() []string // whose e-mail addresses propose a link; nil or none: nothing is proposed
	Tell      func() string   // channel of the operators; may be empty
}

// People keeps who is who.
type People struct {
	o   Options
	met met
}

// New returns People.
func New(o Options) *People {
	return &People{o: o, met: met{last: map[flows.PersonID]time.Time{}}}
}

// find is the link that a test is true for; false where there is none.
func find(all []flows.StoredLink, is func(flows.StoredLink) bool) (flows.StoredLink, bool) {
	for _, l := range all {
		if is(l) {
			return l, true
		}
	}
	return flows.StoredLink{}, false
}

// of is the stored link of a person.
func of(all []flows.StoredLink, p flows.PersonID) (flows.StoredLink, bool) {
	return find(all, func(l flows.StoredLink) bool { return l.Person == p })
}
