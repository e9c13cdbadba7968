package people

import (
	"fmt"
	"strings"

	"breakglass/flows"
)

// Do is what an import does with a line.
type Do string

// What an import does.
const (
	DoLink    Do = "link"      // there was no link
	DoReplace Do = "replace"   // there was another
	DoChange  Do = "change"    // name, address or sign-in become others
	DoConfirm Do = "confirm"   // it was proposed, or set aside
	DoNothing Do = "unchanged" // it is so already
)

// Step is what an import does with one line.
type Step struct {
	Line      int                 `json:"line,omitempty"`
	Person    flows.PersonID      `json:"person"`
	PagerDuty flows.PagerDutyUser `json:"pagerduty"`
	Name      string              `json:"name"`
	Do        Do                  `json:"do"`
	Warnings  []string            `json:"warnings,omitempty"`
}

// Report is what an import did, or, with mistakes, what is wrong with it: then nothing
// was done.
type Report struct {
	Steps    []Step    `json:"steps"`
	Mistakes []Mistake `json:"mistakes,omitempty"`
	Checked  bool      `json:"checked"` // Slack and PagerDuty were asked
	Applied  bool      `json:"applied"`
}

// Counts says how many lines are linked, changed and so on.
func (r *Report) Counts() map[Do]int {
	out := map[Do]int{}
	for _, s := range r.Steps {
		out[s.Do]++
	}
	return out
}

// ImportOptions say how an import is meant.
type ImportOptions struct {
	Source    flows.LinkSource
	Dry       bool // only say what would be done
	Replace   bool // who is linked to another PagerDuty user is linked anew
	Confirm   bool // what was set aside is lifted
	Unchecked bool // do not ask Slack and PagerDuty
}

// plan is one import while it is thought through.
type plan struct {
	o      ImportOptions
	own    flows.Links
	team   string
	stored []flows.StoredLink
	pins   []flows.Pin
	seen   sight

	report Report
	links  []flows.StoredLink // to be written
	gone   []flows.StoredLink
	pager  map[flows.PagerDutyUser]flows.PersonID
	sub    map[string]flows.PersonID
	name   map[string]flows.PersonID
	line   map[flows.PersonID]int
}

func (p *plan) wrong(line int, format string, args ...any) {
	p.report.Mistakes = append(p.report.Mistakes, Mistake{line, fmt.Sprintf(format, args...)})
}

// think holds every wish to the form, to the configuration, to what is stored, to the
// accounts, and to the other wishes.
func (p *plan) think(wishes []Wish) {
	p.pager, p.sub, p.name, p.line = map[flows.PagerDutyUser]flows.PersonID{}, map[string]flows.PersonID{}, map[string]flows.PersonID{}, map[flows.PersonID]int{}
	replaced := map[flows.PersonID]bool{}
	for _, w := range wishes {
		replaced[w.person(p.team)] = p.o.Replace
	}
	for _, l := range p.own.All() {
		p.take(l.Person, l.PagerDuty, l.Subject, l.Name)
	}
	for _, s := range p.stored {
		if s.Ties() && !replaced[s.Person] {
			p.take(s.Person, s.PagerDuty, s.Subject, s.Name)
		}
	}
	for _, w := range wishes {
		w = w.clean()
		if bad := w.Mistakes(); len(bad) > 0 {
			p.report.Mistakes = append(p.report.Mistakes, bad...)
			continue
		}
		p.one(w)
	}
}

// take notes whose the sides of a link are.
func (p *plan) take(who flows.PersonID, pager flows.PagerDutyUser, subject, name string) {
	p.pager[pager], p.name[strings.ToLower(name)] = who, who
	if subject != "" {
		p.sub[subject] = who
	}
}

// one thinks one wish through.
func (p *plan) one(w Wish) {
	who := w.person(p.team)
	before := len(p.report.Mistakes)
	if first, twice := p.line[who]; twice {
		p.wrong(w.Line, "%s is on line %d already", w.Slack, first)
		return
	}
	p.line[who] = w.Line
	step := Step{Line: w.Line, Person: who, PagerDuty: flows.PagerDutyUser(w.PagerDuty)}
	p.sides(w, who)
	step.Warnings = p.accounts(w, who)
	was, linked := of(p.stored, who)
	next := p.next(w, was, linked)
	switch why, same := p.own.Contradicts(next); {
	case same:
		step.Do = DoNothing
		step.Warnings = append(step.Warnings, "the configuration says the same, so nothing is stored")
	case why != "":
		p.wrong(w.Line, "%s; the configuration wins: change it there, or take the line out", why)
	default:
		p.decide(&step, w, was, linked, &next)
	}
	if len(p.report.Mistakes) > before {
		return
	}
	step.Name = next.Name
	p.take(who, next.PagerDuty, next.Subject, next.Name)
	p.report.Steps = append(p.report.Steps, step)
	switch step.Do {
	case DoReplace:
		p.gone, p.links = append(p.gone, was), append(p.links, next)
	case DoLink, DoChange, DoConfirm:
		p.links = append(p.links, next)
	}
}

// sides refuses what is somebody else's already.
func (p *plan) sides(w Wish, who flows.PersonID) {
	taken := func(other flows.PersonID, ok bool, what string) {
		if ok && other != who {
			p.wrong(w.Line, "%s is linked to %s; a link is one person on both sides", what, other.User())
		}
	}
	other, ok := p.pager[flows.PagerDutyUser(w.PagerDuty)]
	taken(other, ok, "the PagerDuty user "+w.PagerDuty)
	if w.Name != "" {
		if other, ok := p.name[strings.ToLower(w.Name)]; ok && other != who {
			p.wrong(w.Line, "%s is called %s already; leave the name out, or write another", other.User(), quote(w.Name))
		}
	}
	if w.Subject == "" {
		return
	}
	other, ok = p.sub[w.Subject]
	taken(other, ok, "the sign-in "+quote(w.Subject))
	for _, pin := range p.pins {
		taken(pin.Person, pin.Subject == w.Subject, "the sign-in "+quote(w.Subject))
	}
}

// next is the link as the wish has it.
func (p *plan) next(w Wish, was flows.StoredLink, linked bool) flows.StoredLink {
	next := flows.StoredLink{Person: w.person(p.team), Version: 1, Source: p.o.Source, Subject: was.Subject, Email: was.Email, Name: was.Name}
	if linked && (!was.Ties() || was.PagerDuty == flows.PagerDutyUser(w.PagerDuty)) {
		next = was
		next.Version++
	}
	if !was.Ties() {
		next.Source = p.o.Source
	}
	next.PagerDuty, next.State = flows.PagerDutyUser(w.PagerDuty), flows.LinkConfirmed
	for _, cell := range []struct {
		into *string
		said string
	}{{&next.Email, w.Email}, {&next.Name, w.Name}, {&next.Subject, w.Subject}} {
		if cell.said != "" {
			*cell.into = cell.said
		}
	}
	if now := p.seen.slack[next.Person].Email; w.Email == "" && now != "" && strings.EqualFold(was.Email, was.Seen.Email) {
		next.Email = now // the old address may be somebody else's by now
	}
	if next.Email == "" {
		next.Email = p.seen.slack[next.Person].Email
	}
	if next.Name == "" {
		w.Email = next.Email
		next.Name = w.name(func(name string) bool {
			who, taken := p.name[strings.ToLower(name)]
			return taken && who != next.Person
		})
	}
	return next
}

// decide says what is done with the wish.
func (p *plan) decide(step *Step, w Wish, was flows.StoredLink, linked bool, next *flows.StoredLink) {
	switch {
	case !linked || !was.Ties():
		step.Do = DoLink
	case was.PagerDuty != next.PagerDuty && !p.o.Replace:
		p.wrong(w.Line, "%s is linked to %s; say --replace to link it anew, or unlink it first", w.Slack, was.PagerDuty)
	case was.PagerDuty != next.PagerDuty:
		step.Do = DoReplace
	case was.State != flows.LinkConfirmed && !p.o.Confirm:
		step.Do = DoNothing
		step.Warnings = append(step.Warnings, "it stays "+string(was.State)+", as nobody confirmed it; say --confirm to do that")
	case was.State != flows.LinkConfirmed, was.Held != "" && p.o.Confirm:
		step.Do = DoConfirm
	case was.Email != next.Email, was.Name != next.Name, was.Subject != next.Subject:
		step.Do = DoChange
	default:
		step.Do = DoNothing
	}
	if was.Held != "" && step.Do != DoReplace {
		if !p.o.Confirm {
			step.Warnings = append(step.Warnings, "it stays set aside ("+was.Held+"); say --confirm to lift that")
			return
		}
		next.Held = ""
	}
	if step.Do != DoNothing {
		p.look(next)
	}
}
