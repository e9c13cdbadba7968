package config

import (
	"regexp"
	"strings"

	"breakglass/flows"

	"github.com/hashicorp/hcl/v2"
)

var (
	goodUser    = regexp.MustCompile(`^[UW][A-Z0-9]{2,}$`)
	goodGroup   = regexp.MustCompile(`^S[A-Z0-9]{2,}$`)
	goodHandle  = regexp.MustCompile(`^@[a-z0-9][a-z0-9._-]*$`)
	goodService = regexp.MustCompile(`^service:[a-z][a-z0-9_-]{0,39}$`)
	goodPD      = regexp.MustCompile(`^[A-Z][A-Z0-9]{2,}$`)
	goodChannel = regexp.MustCompile(`^(#[^\s#@<>&,.A-Z]{1,80}|[CG][A-Z0-9]{2,})$`)
)

// person reads a pinned link.
func (ld *loader) person(d *decl) {
	f := ld.fieldsOf(d)
	l := flows.Link{Name: d.name}
	user := f.needText("slack", `"U0DANA"`)
	if f.sound("slack") && !goodUser.MatchString(user) {
		f.wrong("slack", "It begins with U or W; in Slack: profile, …, Copy member ID.", "%q is not the id of a Slack user.", user)
	}
	l.PagerDuty = flows.PagerDutyUser(f.needText("pagerduty", `"PDANA01"`))
	if f.sound("pagerduty") && !goodPD.MatchString(string(l.PagerDuty)) {
		f.wrong("pagerduty", "It stands at the end of the web address of the user's page: …/users/P….", "%q is not the id of a PagerDuty user.", l.PagerDuty)
	}
	l.Email = f.text("email", "")
	if f.given("email") && f.sound("email") && !goodEmail.MatchString(l.Email) {
		f.wrong("email", "", "%q is not an e-mail address.", l.Email)
	}
	l.Subject = f.text("subject", "")
	f.finish()
	team := ""
	if ld.slack != nil {
		team = ld.slack.Team
	}
	l.Person = flows.Person(team, user)
	ld.links = append(ld.links, l)
}

// checkPeople holds that a person is one person on both sides.
func (ld *loader) checkPeople() {
	type side struct{ kind, id string }
	first := map[side]string{}
	for _, l := range ld.links {
		for _, s := range []side{
			{"Slack user", l.Person.User()}, {"PagerDuty user", string(l.PagerDuty)}, {"e-mail address", strings.ToLower(l.Email)}, {"subject", l.Subject},
		} {
			other, taken := first[s]
			switch {
			case s.id == "":
			case taken:
				ld.errorf(ld.byKey["person."+l.Name].block.DefRange(), "One of the two is wrong; a link is one person on both sides.",
					"person %q and person %q (%s) have the same %s, %s.", l.Name, other, place(ld.byKey["person."+other].block.DefRange()), s.kind, s.id)
			default:
				first[s] = l.Name
			}
		}
	}
}

// principals reads a list of people and user groups.
func (f *fields) principals(name string) []flows.Principal {
	var out []flows.Principal
	seen := map[string]bool{}
	for _, it := range f.texts(name) {
		if suggestion, ok := f.ld.goodPrincipal(it.text); !ok && (name != "requesters" && name != "callers" || !goodService.MatchString(it.text)) {
			f.bad[name] = true
			f.ld.errorf(it.at, suggestion, "%q names neither a Slack user nor a user group.", it.text)
			continue
		}
		if seen[it.text] {
			f.ld.warnf(it.at, "Remove one of the two.", "%s of %s names %s twice.", name, f.what, it.text)
			continue
		}
		seen[it.text] = true
		out = append(out, flows.Principal(it.text))
	}
	return out
}

func (ld *loader) goodPrincipal(s string) (suggestion string, ok bool) {
	if goodUser.MatchString(s) || goodGroup.MatchString(s) || goodHandle.MatchString(s) {
		return "", true
	}
	for _, l := range ld.links {
		if l.Name == strings.TrimPrefix(s, "@") || l.Email != "" && strings.EqualFold(l.Email, s) {
			return "Write " + listOf([]string{l.Person.User()}, "") + ".", false
		}
	}
	if handle := "@" + strings.ToLower(s); goodHandle.MatchString(handle) {
		return "Write " + listOf([]string{handle}, "") + " for the user group, or the id of a user.", false
	}
	return `Write a user's id ("U0DANA"), a group's handle ("@sre-managers") or a group's id ("S0SRE").`, false
}

// channel reads a Slack channel.
func (f *fields) channel(name string) string {
	s := f.text(name, "")
	f.checkChannel(name, s)
	return s
}

// needChannel reads a Slack channel that must be there.
func (f *fields) needChannel(name, form string) string {
	s := f.needText(name, form)
	f.checkChannel(name, s)
	return s
}

func (f *fields) checkChannel(name, s string) {
	if !f.given(name) || !f.sound(name) || goodChannel.MatchString(s) {
		return
	}
	suggestion := `Write it like "#prod-access", or the channel's id.`
	if fixed := "#" + strings.ToLower(strings.TrimLeft(s, "#")); goodChannel.MatchString(fixed) {
		suggestion = "Write " + listOf([]string{fixed}, "") + "."
	}
	f.wrong(name, suggestion, "%q is not a Slack channel.", s)
}

// readPeople reads how links come about besides those that admins make.
func (ld *loader) readPeople(d *decl) {
	f := ld.fieldsOf(d)
	ld.proposeFrom = f.domains("propose_from")
	f.finish()
}

// readRoles reads who may do what beyond asking.
func (ld *loader) readRoles(d *decl) {
	f := ld.fieldsOf(d)
	ld.roles.admins, ld.roles.auditors = f.principals("admins"), f.principals("auditors")
	f.finish()
	if len(ld.roles.admins) == 0 && f.sound("admins") {
		ld.warnf(f.at, `Add admins = ["U…"].`, "Nobody is an admin, so nobody can end everything at once.")
	}
}

// environment reads which integrations a flow uses and where its faults are told.
func (ld *loader) environment(d *decl) {
	f := ld.fieldsOf(d)
	env := Environment{Name: d.name, ErrorsTo: f.needChannel("errors_to", `"#access-errors"`)}
	if !f.given("integrations") {
		f.need("integrations", "{ slack = integration.slack.NAME, pagerduty = integration.pagerduty.NAME }")
	}
	if in := f.object("integrations"); in != nil {
		in.block("slack", "integration.slack")
		in.block("pagerduty", "integration.pagerduty")
		in.finish()
	}
	f.finish()
	ld.environments = append(ld.environments, env)
}

// noRoles warns where the roles block is missing.
func (ld *loader) noRoles() {
	if _, ok := ld.byKey["roles"]; !ok {
		ld.warnf(hcl.Range{Filename: MainFile}, `Add roles { admins = ["U…"] }.`, "Nobody is an admin, so nobody can end everything at once.")
	}
}
