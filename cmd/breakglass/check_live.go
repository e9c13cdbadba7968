package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/config"
)

// live asks Slack and PagerDuty about a configuration. Everything that is not as it
// says, an error of theirs too, is a finding.
type live struct {
	cfg       *config.Config
	own       flows.Links // of the configuration alone
	names     names
	clock     flows.Clock
	vendors   app.Vendors
	rehearsal *app.Rehearsal
	progress  func(what string)

	found    []config.Finding
	flows    []today
	slack    bool // answers
	pager    bool // answers
	profiles map[flows.PersonID]flows.Profile
	channels map[string][2]string // what is wrong with a channel, and what to do; empty: nothing
}

func newLive(cfg *config.Config, progress func(string)) *live {
	return &live{
		cfg: cfg, names: names{cfg, map[flows.PersonID]string{}}, clock: app.SystemClock{}, progress: progress,
		profiles: map[flows.PersonID]flows.Profile{}, channels: map[string][2]string{},
	}
}

func (l *live) wrong(at, next, format string, args ...any) {
	l.found = append(l.found, config.Finding{Severity: config.SeverityError, At: at, Message: fmt.Sprintf(format, args...), Suggestion: next})
}

func (l *live) odd(at, next, format string, args ...any) {
	l.found = append(l.found, config.Finding{Severity: config.SeverityWarning, At: at, Message: fmt.Sprintf(format, args...), Suggestion: next})
}

// ask asks everything; what it learns is in l.
func (l *live) ask(ctx context.Context, ids []flows.FlowID) {
	for _, id := range ids {
		l.flows = append(l.flows, today{Flow: id, At: l.clock.Now().Truncate(time.Second), Own: []onDuty{}, Asked: []asking{}})
	}
	readable := l.secrets(ctx)
	var err error
	l.vendors, err = app.OpenVendors(l.cfg, app.VendorOptions{Clock: l.clock, Paced: true, MaxWait: time.Minute})
	if err != nil {
		l.wrong("integration", "", "%s", sentence(err))
		return
	}
	defer l.vendors.Close()
	l.slack = readable["slack"] && l.askSlack(ctx)
	l.pager = readable["pagerduty"] && l.askPagerDuty(ctx)
	l.rehearsal = app.NewRehearsal(l.vendors, l.cfg.Catalog, l.clock)
	l.people(ctx)
	l.roles(ctx)
	l.channel(ctx, "audit.channel", l.cfg.Settings.Audit.Channel)
	for i := range l.flows {
		l.flow(ctx, &l.flows[i])
	}
}

// secrets reads every secret; the answer says which vendor's token can be used.
func (l *live) secrets(ctx context.Context) map[string]bool {
	usable := map[string]bool{"slack": true, "pagerduty": true}
	for _, cred := range app.Credentials(l.cfg) {
		err := cred.Check(ctx, l.cfg.Catalog.World)
		if err == nil {
			continue
		}
		l.wrong(cred.At, "", "%s", capital(sentence(err)))
		if parts := strings.Split(cred.At, "."); strings.HasSuffix(cred.At, "_token") {
			usable[parts[1]] = false
		}
	}
	return usable
}

func (l *live) askSlack(ctx context.Context) bool {
	l.progress("asking Slack who we are")
	at := "integration.slack." + l.cfg.Settings.Slack.Name
	if _, err := l.vendors.Slack.AuthTest(ctx); err != nil {
		l.wrong(at+".bot_token", "Channels, user groups and people were not looked up.", "%s", slackTrouble(err))
		return false
	}
	return true
}

func (l *live) askPagerDuty(ctx context.Context) bool {
	l.progress("asking PagerDuty who we are")
	at := "integration.pagerduty." + l.cfg.Settings.PagerDuty.Name
	h := l.vendors.PagerDuty.Check(ctx)
	for _, problem := range h.Problems {
		if h.Token != flows.Yes {
			l.wrong(at+".api_token", "Until it answers, nobody is on call: fallbacks decide.", "%s", pagerTrouble(h.Token, problem))
		} else {
			l.odd(at+".from", "", "%s", capital(full(problem)))
		}
	}
	return h.Token == flows.Yes
}

// people holds every link against both sides.
func (l *live) people(ctx context.Context) {
	links := l.own.All() // those of the store are for breakglass people check
	for i, link := range links {
		l.progress(fmt.Sprintf("asking about people, %d of %d", i+1, len(links)))
		at := "person." + link.Name
		email := link.Email
		if l.slack {
			profile, err := l.profile(ctx, link.Person)
			switch {
			case noSuchUser(err):
				l.wrong(at+".slack", "Copy the member id from the person's Slack profile.", "Slack has no user %s in this workspace.", link.Person.User())
			case err != nil:
				l.odd(at+".slack", "", "Slack could not say who this is: %s", sentence(err))
			case profile.Standing != flows.StandingMember:
				l.odd(at+".slack", "", "%s is %s in Slack, so can neither ask nor decide.", link.Person.User(), standingWord(profile.Standing))
			}
			if email == "" {
				email = profile.Email
			}
		}
		if l.pager && email != "" && link.PagerDuty != "" {
			l.atPagerDuty(ctx, at, link, email)
		}
	}
}

// atPagerDuty holds a link against the account that has the person's e-mail address.
func (l *live) atPagerDuty(ctx context.Context, at string, link flows.Link, email string) {
	user, err := l.vendors.PagerDuty.UserByEmail(ctx, email)
	switch {
	case errors.Is(err, flows.ErrNotFound):
		l.odd(at+".pagerduty", "Make sure that the id is theirs: whoever has it approves as "+link.Name+".",
			"PagerDuty has no login %s, so %s could not be held against it.", email, link.PagerDuty)
	case err != nil:
		l.odd(at+".pagerduty", "", "PagerDuty could not say who this is: %s", sentence(err))
	case user.ID != link.PagerDuty:
		l.wrong(at+".pagerduty", "One of the two is somebody else: whoever has the id approves as "+link.Name+".",
			"At PagerDuty %s is %s, not %s.", email, user.ID, link.PagerDuty)
	}
}

func (l *live) roles(ctx context.Context) {
	l.members(ctx, "roles.admins", l.cfg.Catalog.Admins)
	l.members(ctx, "roles.auditors", l.cfg.Catalog.Auditors)
}

// members resolves people and user groups, each by itself, so that every one that is
// not there is found. false: somebody may be missing from the answer.
func (l *live) members(ctx context.Context, at string, refs []flows.Principal) ([]flows.PersonID, bool) {
	if !l.slack {
		return nil, false
	}
	var out []flows.PersonID
	whole, seen := true, map[flows.PersonID]bool{}
	for _, ref := range refs {
		l.progress("asking Slack who is in " + string(ref))
		people, err := l.vendors.Slack.Members(ctx, []flows.Principal{ref})
		if err != nil {
			l.wrong(at, "Until it has one, nobody is let in by it.", "%s", capital(sentence(errors.Unwrap(err))))
			whole = false
		}
		for _, p := range people {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out, whole
}

// channel finds what keeps cards out of a channel.
func (l *live) channel(ctx context.Context, at, name string) {
	if !l.slack || name == "" {
		return
	}
	found, asked := l.channels[name]
	if !asked {
		l.progress("asking Slack about " + name)
		found[0], found[1] = l.lookAt(ctx, name)
		l.channels[name] = found
	}
	if found[0] != "" && !l.said(at, found[0]) {
		l.wrong(at, found[1], "%s", found[0])
	}
}

func (l *live) lookAt(ctx context.Context, name string) (why, next string) {
	ch, err := l.vendors.Slack.ChannelInfo(ctx, name)
	switch {
	case slackCode(err) == "channel_not_found":
		return "Slack has no channel " + name + " that the app can see.", "If it is private, invite the app there: /invite @Breakglass."
	case err != nil:
		return "Slack could not say what " + name + " is: " + sentence(err), ""
	case ch.Archived:
		return name + " is archived; nothing can be posted there.", "Name another channel."
	case ch.Shared:
		return name + " is shared with another organisation, and cards name people and reasons: they are not shown there.", "Name another channel."
	case !ch.Member:
		return "The app is not in " + name + ", so it cannot post there.", "Invite it: /invite @Breakglass."
	}
	return "", ""
}

// profile asks Slack once about a person, and remembers a name for who has none here.
func (l *live) profile(ctx context.Context, p flows.PersonID) (flows.Profile, error) {
	if known, ok := l.profiles[p]; ok {
		return known, nil
	}
	profile, err := l.vendors.Slack.Profile(ctx, p, false)
	if err != nil {
		return profile, err
	}
	l.profiles[p] = profile
	if name := clean(profile.Name); name != "" && l.cfg.PersonName(p) == p.User() {
		l.names.also[p] = name + " (" + p.User() + ")"
	}
	return profile, nil
}

// policies looks up what the flow's on_call names.
func (l *live) policies(ctx context.Context, at string, refs []string) {
	for _, ref := range refs {
		if !l.pager {
			return
		}
		l.progress("asking PagerDuty about " + ref)
		if _, err := l.vendors.PagerDuty.ResolvePolicy(ctx, ref); err != nil {
			l.wrong(at, "Until it has one, nobody is on call by it, and nobody approves their own request.", "%s", capital(sentence(err)))
		}
	}
}

// slackTrouble says why Slack did not say who we are.
func slackTrouble(err error) string {
	var passing *flows.Temporary
	if errors.As(err, &passing) && slackCode(err) == "" {
		return "Slack does not answer: " + sentence(err)
	}
	return "Slack does not let us in: " + sentence(err)
}

// pagerTrouble says why PagerDuty did not say who we are.
func pagerTrouble(token flows.Tri, problem string) string {
	if token == flows.Unknown {
		return "PagerDuty does not answer: " + full(problem)
	}
	return "PagerDuty does not let us in: " + full(problem)
}

// sentence is an error as one.
func sentence(err error) string { return full(err.Error()) }

// capital is text that begins as a sentence does.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// full is text that ends as a sentence does.
func full(s string) string { return strings.TrimRight(s, ".") + "." }

// slackCode is Slack's word for an error, where it is one of Slack's.
func slackCode(err error) string {
	var e interface{ SlackCode() string }
	if errors.As(err, &e) {
		return e.SlackCode()
	}
	return ""
}

func noSuchUser(err error) bool {
	code := slackCode(err)
	return code == "user_not_found" || code == "users_not_found"
}

func standingWord(s flows.Standing) string {
	return map[flows.Standing]string{
		flows.StandingMember: "a member", flows.StandingGuest: "a guest", flows.StandingStranger: "of another organisation",
		flows.StandingForeign: "of another team", flows.StandingBot: "a bot", flows.StandingDeleted: "deactivated", flows.StandingUnknown: "not known",
	}[s]
}

// progress shows one line that changes while something takes long, on a terminal only.
func (c *cli) progress() func(string) {
	if !c.tty {
		return func(string) {}
	}
	return func(what string) {
		if what != "" {
			what += " …"
		}
		_, _ = io.WriteString(c.err, "\r\x1b[K"+what)
	}
}
