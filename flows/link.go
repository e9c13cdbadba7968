package flows

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// StoredLink is a link that stands in the store, not in the configuration, with how far
// it is; or, of a link of the configuration, what was seen of its account.
type StoredLink struct {
	Person    PersonID
	Version   int64
	State     LinkState
	PagerDuty PagerDutyUser // empty where State is LinkWatched or LinkDeclined
	Subject   string        // at the company's sign-in, by an admin's word; may be empty
	Name      string        // how the person is called: "dana"; nobody else is
	Email     string        // as it was said when the link was made; may be empty
	Held      string        // why the link may not be used; empty when it may
	HeldAt    time.Time
	Seen      Seen
	Source    LinkSource
	By        PersonID // who made it; empty: the operator on the machine, or nobody
	At        time.Time
	Confirmer PersonID // who confirmed it, or lifted a hold, last; empty as By
	Confirmed time.Time
	Ask       string // id of the card that asks the person; may be empty
	Tell      string // id of the card that tells the admins; may be empty
}

// LinkState is how far a stored link is.
type LinkState string

// The states of stored links.
const (
	LinkProposed  LinkState = "proposed"  // an e-mail address matched; ties nobody until the person says so
	LinkClaimed   LinkState = "claimed"   // the person said so; no self-approval until an admin confirms
	LinkConfirmed LinkState = "confirmed" // by an admin
	LinkDeclined  LinkState = "declined"  // the person or an admin said that it is not them: not proposed again
	LinkWatched   LinkState = "watched"   // of the configuration: only what was seen stands in the store
)

// LinkSource is where a link came from.
type LinkSource string

// The sources of links.
const (
	LinkByCommand LinkSource = "command"
	LinkByImport  LinkSource = "import"
	LinkByEmail   LinkSource = "email" // an exact match in a listed domain
	LinkByConfig  LinkSource = "configuration"
)

// Seen is what the accounts of a link were like when they were looked at last, with
// nothing held against it.
type Seen struct {
	Standing Standing // at Slack
	Email    string   // at Slack, confirmed there; may be empty
	Login    string   // the e-mail address at PagerDuty; may be empty
}

// Slack says what about a Slack account is not as it was; empty when nothing is, as far
// as is known. It quotes nothing that is personal.
func (s Seen) Slack(now Profile) string {
	switch now.Standing {
	case StandingDeleted:
		return "the Slack account was deactivated"
	case StandingGuest:
		if s.Standing == StandingMember {
			return "the Slack account became a guest's"
		}
	case StandingForeign, StandingStranger:
		return "the Slack account belongs to another team"
	case StandingBot:
		return "the Slack account is a bot's"
	}
	if s.Email != "" && now.Email != "" && !strings.EqualFold(s.Email, now.Email) {
		return "the e-mail address at Slack changed"
	}
	return ""
}

// PagerDuty says what about a PagerDuty account is not as it was.
func (s Seen) PagerDuty(now PagerDutyProfile) string {
	if s.Login != "" && now.Email != "" && !strings.EqualFold(s.Login, now.Email) {
		return "the e-mail address at PagerDuty changed"
	}
	return ""
}

// PagerDutyProfile is a person at PagerDuty.
type PagerDutyProfile struct {
	ID    PagerDutyUser
	Name  string // chosen by the person: never identity
	Email string // the login; unique
}

// LinkConflict is a stored link that the configuration contradicts. The configuration
// wins, and this is said.
type LinkConflict struct {
	Person PersonID // of the stored link
	Why    string
}

// Ties reports whether there is somebody at PagerDuty that the link is about.
func (s StoredLink) Ties() bool { return s.PagerDuty != "" }

// link is the stored link as those who look links up see it.
func (s StoredLink) link() Link {
	l := Link{
		Name: s.Name, Person: s.Person, PagerDuty: s.PagerDuty, Email: s.Email, Subject: s.Subject,
		Proposed: s.State != LinkConfirmed, Quarantined: s.Held,
	}
	if l.Quarantined == "" && s.State == LinkProposed {
		l.Quarantined = "the person has not said that it is them"
	}
	return l
}

// WithLinks is the catalog of a configuration with the links of the store besides its
// own. The configuration wins; a stored link that it contradicts ties nobody. held are
// people whose links may not be used, and why, before the store knows it.
func (c *Catalog) WithLinks(stored []StoredLink, held map[PersonID]string) (*Catalog, []LinkConflict) {
	if len(stored) == 0 && len(held) == 0 {
		return c, nil
	}
	own := c.Links.sides()
	holds := map[PersonID]string{}
	for _, s := range stored {
		if s.Held != "" {
			holds[s.Person] = s.Held
		}
	}
	maps.Copy(holds, held)
	all := c.Links.All()
	for i := range all {
		if why := holds[all[i].Person]; why != "" && all[i].Quarantined == "" {
			all[i].Quarantined = why
		}
	}
	var conflicts []LinkConflict
	for _, s := range stored {
		switch why, same := own.against(s); {
		case !s.Ties(), same:
		case why != "":
			conflicts = append(conflicts, LinkConflict{s.Person, why})
		default:
			l := s.link()
			if why := holds[s.Person]; why != "" {
				l.Quarantined = why
			}
			all = append(all, l)
		}
	}
	out := *c
	out.Links = NewLinks(all)
	return &out, conflicts
}

// sides are links by each thing that only one of them may have.
type sides struct {
	person  map[PersonID]Link
	pager   map[PagerDutyUser]Link
	subject map[string]Link
	name    map[string]Link
}

func (l Links) sides() sides {
	s := sides{map[PersonID]Link{}, map[PagerDutyUser]Link{}, map[string]Link{}, map[string]Link{}}
	for _, link := range l.All() {
		s.person[link.Person], s.pager[link.PagerDuty], s.name[strings.ToLower(link.Name)] = link, link, link
		if link.Subject != "" {
			s.subject[link.Subject] = link
		}
	}
	return s
}

// against says why the configuration contradicts a stored link; same where it says the
// same, so that the stored one is not needed.
func (s sides) against(l StoredLink) (why string, same bool) {
	own, known := s.person[l.Person]
	pager, pagerKnown := s.pager[l.PagerDuty]
	subject, subjectKnown := s.subject[l.Subject]
	switch {
	case known && own.PagerDuty == l.PagerDuty && (l.Subject == "" || own.Subject == l.Subject):
		return "", true
	case known && own.PagerDuty == l.PagerDuty:
		return "person " + own.Name + " of the configuration has another sign-in", false
	case known:
		return "person " + own.Name + " of the configuration ties the Slack user to " + string(own.PagerDuty), false
	case pagerKnown:
		return "person " + pager.Name + " of the configuration has the PagerDuty user " + string(l.PagerDuty), false
	case subjectKnown && l.Subject != "":
		return "person " + subject.Name + " of the configuration has the sign-in", false
	}
	return "", false
}

// Contradicts says why a link cannot stand beside those of the configuration; empty when
// it can. same: the configuration says the same already.
func (l Links) Contradicts(s StoredLink) (why string, same bool) { return l.sides().against(s) }

// Called is what a person's link calls them, usable or not.
func (l Links) Called(p PersonID) (string, bool) {
	link, ok := l.byPerson[p]
	return link.Name, ok && link.Name != ""
}

// Named is the link of the person of a name; false where there is none.
func (l Links) Named(name string) (Link, bool) {
	all := l.All()
	i := slices.IndexFunc(all, func(l Link) bool { return strings.EqualFold(l.Name, name) })
	if i < 0 {
		return Link{}, false
	}
	return all[i], true
}
