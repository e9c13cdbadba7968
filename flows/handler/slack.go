package handler

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"breakglass/flows"
)

// The module slack. It says who is asked and where the card is shown; nothing is sent.
//
//	user(identifier, allow_self=None, timeout=None, quorum=None)
//	group(users, allow_self=None, timeout=None, quorum=None)
//	channel(name, approvers=None, allow_self=None, timeout=None, quorum=None)
//	fallback(destination, destination, …)
//	mention(user) -> "<@U0DANA>"
//
// An identifier is a user, a Slack id ("U0DANA"), a mention ("<@U0DANA>") or the e-mail
// address of a link. A group may also name user groups ("@sre-managers", "S0SRE"), has
// no limit of seven, and is no route when it is empty. A timeout is in seconds, or text
// ("30m"). The legs of a fallback are asked one after the other, each when the one
// before it times out; continue_on_timeout and continue_on_delivery_failure are taken
// and change nothing.
func slackModule() *module {
	options := []string{"allow_self", "timeout", "quorum"}
	with := func(first ...string) []string { return append(first, options...) }
	m := join("slack", starlark.StringDict{
		"user":     &function{name: "slack.user", params: with("identifier"), need: 1, run: slackUser},
		"group":    &function{name: "slack.group", params: with("users"), need: 1, run: slackGroup},
		"channel":  &function{name: "slack.channel", params: append(with("name"), "approvers"), need: 1, run: slackChannel},
		"fallback": &function{name: "slack.fallback", rest: "destinations", params: []string{"continue_on_delivery_failure", "continue_on_timeout"}, run: slackFallback},
		"mention":  &function{name: "slack.mention", params: []string{"identifier"}, need: 1, run: slackMention},
	})
	for _, name := range []string{"send_message", "send_thread_message"} {
		m.members[name] = &function{name: "slack." + name, open: true, run: func(*evaluation, *call) (starlark.Value, error) {
			return nil, fmt.Errorf("slack.%s: a reducer only reads; nothing was sent. The people asked, the requester and the flow's channel are told by themselves", name)
		}}
	}
	for _, name := range []string{"get_user_info", "list_users", "is_user_in_group", "users_in_channel"} {
		m.missing[name] = "it is not supported yet; slack.group takes user groups by handle: slack.group([\"@sre-managers\"])"
	}
	return m
}

// destination is what get_approvers returns: one stage, or (legs) several.
type destination struct {
	kind  string
	stage flows.ProposedStage
	empty bool // a group of nobody
	legs  []*destination
}

func (d *destination) String() string        { return "<slack." + d.kind + ">" }
func (d *destination) Type() string          { return "slack." + d.kind }
func (d *destination) Freeze()               {}
func (d *destination) Truth() starlark.Bool  { return true }
func (d *destination) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: %s", d.Type()) }

func slackUser(e *evaluation, c *call) (starlark.Value, error) {
	if _, many := c.arg("identifier").(*starlark.List); many {
		return nil, fmt.Errorf("slack.user takes one user; for several write slack.group(…)")
	}
	return e.people("user", c, []starlark.Value{c.arg("identifier")})
}

func slackGroup(e *evaluation, c *call) (starlark.Value, error) {
	var users []starlark.Value
	switch v := c.arg("users").(type) {
	case starlark.String, *person:
		users = []starlark.Value{v}
	case starlark.Iterable:
		if length(v) > maxGroup {
			return nil, fmt.Errorf("slack.group: more than %d people", maxGroup)
		}
		for x := range starlark.Elements(v) {
			users = append(users, x)
		}
	default:
		return nil, fmt.Errorf("slack.group takes a list of users, not %s", v.Type())
	}
	return e.people("group", c, users)
}

const maxGroup = 1000

// people makes the destination of a user or group: each person once, in order.
func (e *evaluation) people(kind string, c *call, users []starlark.Value) (starlark.Value, error) {
	if err := e.alloc(400 + 150*len(users)); err != nil {
		return nil, err
	}
	d := &destination{kind: kind, stage: flows.ProposedStage{Group: kind == "group"}}
	if err := c.options(&d.stage); err != nil {
		return nil, err
	}
	found, err := e.resolve(c.fn.name, users)
	if err != nil {
		return nil, err
	}
	d.empty = len(found) == 0
	for _, p := range found {
		if p.id != "" {
			d.stage.People = append(d.stage.People, p.id)
		} else {
			d.stage.Unlinked = append(d.stage.Unlinked, string(p.pd))
		}
	}
	d.stage.Why = e.whyThese(found)
	return d, nil
}

// resolve identifies users and the members of user groups, each person once.
func (e *evaluation) resolve(fn string, users []starlark.Value) ([]*person, error) {
	out := make([]*person, 0, len(users))
	seen := make(map[string]bool, len(users))
	add := func(p *person) {
		if !seen[p.key()] {
			seen[p.key()] = true
			out = append(out, p)
		}
	}
	for _, u := range users {
		if s, ok := u.(starlark.String); ok && isUserGroup(string(s)) {
			members, err := e.members(string(s))
			if err != nil {
				return nil, err
			}
			for _, p := range members {
				add(p)
			}
			continue
		}
		p, err := e.identify(fn, u)
		if err != nil {
			return nil, err
		}
		add(p)
	}
	return out, nil
}

func isUserGroup(s string) bool {
	return strings.HasPrefix(s, "@") || len(s) > 3 && s[0] == 'S' && strings.ToUpper(s) == s && !strings.ContainsAny(s, "@ ")
}

// members asks Slack who is in a user group.
func (e *evaluation) members(group string) ([]*person, error) {
	args := []flows.Arg{{Name: "group", Value: group}}
	found, err := e.ask("slack.members", args, func(host *flows.HostCall) (starlark.Value, error) {
		if e.opts.Directory == nil {
			return nil, errNoDirectory
		}
		ids, err := e.opts.Directory.Members(e.ctx, []flows.Principal{flows.Principal(group)})
		if err != nil {
			return nil, fmt.Errorf("SlackError: Slack could not say who is in %s: %w", group, err)
		}
		var users starlark.Tuple
		answer := []any{}
		for _, id := range ids {
			p := e.person(id)
			p.label = group
			users = append(users, p)
			answer = append(answer, flows.Personal{About: id, Value: string(id)})
		}
		host.Answer, host.Result, host.ReadAt = answer, flows.Yes, e.in.Now
		return users, nil
	})
	if err != nil {
		return nil, err
	}
	users, _ := found.(starlark.Tuple)
	out := make([]*person, 0, len(users))
	for _, u := range users {
		out = append(out, u.(*person))
	}
	return out, nil
}

// identify is the person that a handler's value names.
func (e *evaluation) identify(fn string, v starlark.Value) (*person, error) {
	switch v := v.(type) {
	case *person:
		return v, nil
	case starlark.String:
		s := strings.TrimSpace(string(v))
		if e.loading {
			return nil, fmt.Errorf("%s is called within %s, not while the file is loaded", fn, entryPoint)
		}
		if id, ok := strings.CutPrefix(s, "<@"); ok {
			s, _, _ = strings.Cut(strings.TrimSuffix(id, ">"), "|")
		}
		switch {
		case strings.Contains(s, "@"):
			if id := e.byEmail(s); id != "" {
				return e.person(id), nil
			}
			return nil, fmt.Errorf("%s: not exactly one link has this e-mail address", fn)
		case len(s) > 2 && (s[0] == 'U' || s[0] == 'W') && strings.ToUpper(s) == s && !strings.ContainsAny(s, " /"):
			return e.person(e.slackPerson(s)), nil
		}
		if _, typed := e.open(s).(flows.Personal); typed {
			s = "what was typed"
		}
		return nil, fmt.Errorf("%s: %q names nobody; give a user, a Slack id (U0…) or an e-mail address", fn, clip(s))
	}
	return nil, fmt.Errorf("%s takes a user, not %s", fn, v.Type())
}

// byEmail is the person of the one usable link with the e-mail address; empty if there
// is none, or more than one.
func (e *evaluation) byEmail(email string) flows.PersonID {
	if e.emails == nil {
		e.emails = map[string]flows.PersonID{}
		for _, link := range e.in.Links.All() {
			if key := strings.ToLower(link.Email); key != "" && link.Usable() {
				if _, twice := e.emails[key]; twice {
					e.emails[key] = ""
					continue
				}
				e.emails[key] = link.Person
			}
		}
	}
	return e.emails[strings.ToLower(email)]
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

func slackChannel(e *evaluation, c *call) (starlark.Value, error) {
	name, err := c.str("name")
	if err != nil {
		return nil, err
	}
	if name, err = channelName(name); err != nil {
		return nil, err
	}
	d := &destination{kind: "channel"}
	d.stage.Channel, d.stage.Why = name, "the flow's handler asks in "+name
	if err := e.alloc(400); err != nil {
		return nil, err
	}
	if approvers := c.arg("approvers"); approvers != nil && approvers != starlark.None {
		list, ok := approvers.(starlark.Iterable)
		if !ok || length(list) > maxGroup {
			return nil, fmt.Errorf("slack.channel: approvers is a list of users")
		}
		var users []starlark.Value
		for x := range starlark.Elements(list) {
			users = append(users, x)
		}
		group, err := e.people("group", c, users)
		if err != nil {
			return nil, err
		}
		d.stage, d.empty = group.(*destination).stage, len(users) == 0
		d.stage.Channel = name
	}
	return d, c.options(&d.stage)
}

// channelName holds that s can be a channel: an id, or a name with or without its #.
func channelName(s string) (string, error) {
	if len(s) > 6 && len(s) < 30 && strings.IndexByte("CDG", s[0]) >= 0 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		return s, nil
	}
	name := strings.TrimPrefix(s, "#")
	ok := name != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= 80 && name == strings.ToLower(name)
	for _, r := range name {
		ok = ok && (r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
	}
	if !ok {
		return "", fmt.Errorf("slack.channel: give a channel's name (\"#sre\") or id (\"C0123ABC\")")
	}
	return "#" + name, nil
}

func slackFallback(_ *evaluation, c *call) (starlark.Value, error) {
	if len(c.rest) < 2 {
		return nil, fmt.Errorf("slack.fallback takes two or more destinations, asked one after the other")
	}
	d := &destination{kind: "fallback"}
	for i, v := range c.rest {
		leg, ok := v.(*destination)
		switch {
		case v == starlark.None:
			continue
		case !ok:
			return nil, fmt.Errorf("slack.fallback: argument %d is %s, not a destination like slack.group(…)", i+1, v.Type())
		case leg.legs != nil:
			d.legs = append(d.legs, leg.legs...)
		default:
			d.legs = append(d.legs, leg)
		}
	}
	if len(d.legs) > maxStages {
		return nil, fmt.Errorf("slack.fallback: more than %d destinations", maxStages)
	}
	return d, nil
}

const maxStages = 20

func slackMention(e *evaluation, c *call) (starlark.Value, error) {
	p, err := e.identify(c.fn.name, c.arg("identifier"))
	if err != nil {
		return nil, err
	}
	if p.id == "" {
		return starlark.String(p.pd), nil
	}
	return starlark.String("<@" + p.id.User() + ">"), nil
}

// options reads allow_self, timeout and quorum into the stage.
func (c *call) options(s *flows.ProposedStage) error {
	switch v := c.arg("allow_self").(type) {
	case nil, starlark.NoneType:
	case starlark.Bool:
		self := bool(v)
		s.AllowSelf = &self
	default:
		return fmt.Errorf("%s: allow_self is True or False", c.fn.name)
	}
	var err error
	if s.Quorum, err = c.integer("quorum"); err != nil {
		return err
	}
	switch v := c.arg("timeout").(type) {
	case nil, starlark.NoneType:
		return nil
	case starlark.String:
		s.Timeout, err = time.ParseDuration(string(v))
	case starlark.Int:
		var n int
		n, err = starlark.AsInt32(v)
		s.Timeout = time.Duration(n) * time.Second
	default:
		err = fmt.Errorf("%s", v.Type())
	}
	if err != nil || s.Timeout <= 0 {
		return fmt.Errorf("%s: timeout is a number of seconds above 0, or text like \"30m\"", c.fn.name)
	}
	return nil
}
