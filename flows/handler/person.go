package handler

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"breakglass/flows"
)

// person is a user: a Slack person, a PagerDuty user, or both where a link ties them.
// Two are equal when they are the same person.
type person struct {
	e     *evaluation
	id    flows.PersonID      // empty: no link ties the PagerDuty user to anybody
	pd    flows.PagerDutyUser // empty: no link ties the Slack person to anybody
	link  flows.Link
	label string // where the person was found on call: "mgr_on_call"
	level int    // and at which escalation level; 0 where there is none
	found string // why the person is on call, once is_on_call said so
}

var personAttrs = []string{"email", "id", "name", "pagerduty_id", "slack_id", "username"}

// person is the user of a Slack person.
func (e *evaluation) person(id flows.PersonID) *person {
	p := &person{e: e, id: id}
	if link, ok := e.in.Links.Of(id); ok {
		p.link, p.pd = link, link.PagerDuty
	} else {
		p.link = link // not usable, or none: see unsure
	}
	return p
}

// onCallPerson is the user behind an on-call entry.
func (e *evaluation) onCallPerson(entry flows.OnCallEntry) *person {
	p := &person{e: e, pd: entry.User, label: placeOf(entry), level: entry.Level}
	if link, ok := e.in.Links.At(entry.User); ok {
		p.link, p.id = link, link.Person
	}
	return p
}

// unsure says why it is not known who the person is at PagerDuty, if there is a link
// that may not be used. No link at all is no doubt: nobody there is this person.
func (p *person) unsure() string {
	if p.pd == "" && p.link.Person != "" {
		if p.link.Quarantined != "" {
			return "the link is set aside until an admin confirms it"
		}
	}
	return ""
}

func (p *person) key() string {
	if p.id != "" {
		return string(p.id)
	}
	return "pagerduty/" + string(p.pd)
}

// about is whose personal data the person's ids are.
func (p *person) about() flows.PersonID { return flows.PersonID(p.key()) }

func (p *person) String() string {
	if p.id != "" {
		return p.id.User()
	}
	return string(p.pd)
}

func (p *person) Type() string          { return "user" }
func (p *person) Freeze()               {}
func (p *person) Truth() starlark.Bool  { return true }
func (p *person) Hash() (uint32, error) { return starlark.String(p.key()).Hash() }

// CompareSameType implements starlark.Comparable: by person.
func (p *person) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	equal := p.key() == y.(*person).key()
	switch op {
	case syntax.EQL:
		return equal, nil
	case syntax.NEQ:
		return !equal, nil
	}
	return false, fmt.Errorf("users have no order; sort them by a key: key=lambda u: u.id")
}

// AttrNames implements starlark.HasAttrs.
func (p *person) AttrNames() []string { return personAttrs }

// Attr implements starlark.HasAttrs. Name and e-mail are asked of the directory where
// the link does not know them.
func (p *person) Attr(name string) (starlark.Value, error) {
	switch name {
	case "id", "slack_id":
		if p.id == "" {
			return starlark.None, nil
		}
		return starlark.String(p.id.User()), nil
	case "pagerduty_id":
		if p.pd == "" {
			return starlark.None, nil
		}
		return starlark.String(p.pd), nil
	case "email", "username":
		if p.link.Email != "" && p.link.Usable() {
			return starlark.String(p.link.Email), nil
		}
		return p.profile("email")
	case "name":
		return p.profile("name")
	}
	return nil, nil
}

// profile asks Slack who the person is. Without a directory, the name is the one of the
// configuration and the e-mail is not known.
func (p *person) profile(what string) (starlark.Value, error) {
	if p.e.opts == nil || p.e.opts.Directory == nil || p.id == "" {
		if what == "name" && p.link.Name != "" {
			return starlark.String(p.link.Name), nil
		}
		return starlark.None, nil
	}
	args := []flows.Arg{{Name: "user", Value: flows.Personal{About: p.id, Value: string(p.id)}}, {Name: "what", Value: what}}
	return p.e.ask("slack.profile", args, func(c *flows.HostCall) (starlark.Value, error) {
		got, err := p.e.opts.Directory.Profile(p.e.ctx, p.id, false)
		if err != nil {
			return nil, fmt.Errorf("SlackError: Slack could not say who this person is: %w", err)
		}
		s := got.Name
		if what == "email" {
			s = got.Email
		}
		c.Answer, c.Result, c.ReadAt = flows.Personal{About: p.id, Value: s}, flows.Yes, p.e.in.Now
		return starlark.String(s), nil
	})
}

// placeOf is how people call the place of an on-call entry.
func placeOf(entry flows.OnCallEntry) string {
	for _, s := range []string{entry.PolicyName, entry.PolicyID} {
		if s != "" {
			return s
		}
	}
	if entry.Schedule != "" {
		return "schedule " + entry.Schedule
	}
	return "schedule " + entry.ScheduleID
}

// whyOnCall is the sentence for one place and its levels.
func whyOnCall(label string, levels []int) string {
	s := "on call for " + label
	for i, n := range levels {
		switch {
		case i == 0 && len(levels) == 1:
			s += ", level "
		case i == 0:
			s += ", levels "
		case i == len(levels)-1:
			s += " and "
		default:
			s += ", "
		}
		s += fmt.Sprint(n)
	}
	return s
}
