package bottest

import (
	"context"
	"strings"

	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/slackfake"
)

// Person is somebody of the company who does things in Slack.
type Person struct {
	s  *Story
	id string
	*slackfake.Actor
}

// As returns a person.
func (s *Story) As(id string) *Person { return &Person{s: s, id: id, Actor: s.Slack.User(id)} }

// ID is the person's at Slack.
func (p *Person) ID() string { return p.id }

// Types types a slash command.
func (p *Person) Types(text string) slackfake.Outcome {
	p.s.T.Helper()
	command, rest, _ := strings.Cut(text, " ")
	out, err := p.Slash(command, rest)
	if err != nil {
		p.s.T.Fatalf("%s types %q: %v", p.id, text, err)
	}
	return out
}

// Form waits for the modal in front to have the named field, and returns it.
func (p *Person) Form(field string) (view slackfake.View) {
	p.s.T.Helper()
	p.s.within(func(ctx context.Context) (err error) { view, err = p.s.Company.Form(ctx, p.id, field); return err })
	return view
}

// Asks fills the form that "/access" opens and submits it.
func (p *Person) Asks(target, reason string, more slackfake.Values) {
	p.s.T.Helper()
	p.s.within(func(ctx context.Context) error { return p.s.Ask(ctx, p.id, target, reason, more) })
}

// Sees waits for a message in the person's DM that shows every one of the texts, and
// returns it. An edited message counts as it is now.
func (p *Person) Sees(texts ...string) slackfake.Message {
	p.s.T.Helper()
	return p.s.In(p.id, texts...)
}

// In waits for a message in a channel (or, by a user id, in a person's DM).
func (s *Story) In(where string, texts ...string) (m slackfake.Message) {
	s.T.Helper()
	s.within(func(ctx context.Context) (err error) { m, err = s.See(ctx, where, texts...); return err })
	s.expect(m)
	return m
}

// Told waits for a message that only this person sees, and that no test has looked
// at yet.
func (p *Person) Told(texts ...string) {
	p.s.T.Helper()
	p.s.Until("something that only "+p.id+" sees: "+strings.Join(texts, ", "), func() bool { return p.told(texts) })
}

func (p *Person) told(texts []string) bool {
	for _, m := range p.Ephemerals() {
		key, all := p.id+"/"+m.Channel+"/"+m.TS, true
		for _, t := range texts {
			all = all && strings.Contains(m.Shown(), t)
		}
		if all && !p.s.expected[key] {
			p.s.expected[key] = true
			return true
		}
	}
	return false
}

// OneIsTold waits until one of these people is told something that only they see.
func (s *Story) OneIsTold(text string, people ...string) {
	s.T.Helper()
	s.Until("one of "+strings.Join(people, ", ")+" to be told: "+text, func() bool {
		for _, who := range people {
			if s.As(who).told([]string{text}) {
				return true
			}
		}
		return false
	})
}

// Denies denies what a card asks, and says why.
func (p *Person) Denies(card slackfake.Message, why string) {
	p.s.T.Helper()
	p.because(card, "bg:deny", why)
}

// Revokes revokes what a card shows, and says why.
func (p *Person) Revokes(card slackfake.Message, why string) {
	p.s.T.Helper()
	p.because(card, "bg:revoke", why)
}

func (p *Person) because(card slackfake.Message, action, why string) {
	p.s.T.Helper()
	p.Presses(card, action)
	form := p.Form("why")
	if _, err := p.Submit(form, slackfake.Values{"why": why}); err != nil {
		p.s.T.Fatalf("%s says why: %v", p.id, err)
	}
}

// PressesOld clicks a button of a message as it was, though it was redrawn meanwhile.
func (p *Person) PressesOld(m slackfake.Message, action string) {
	p.s.T.Helper()
	if _, err := p.ClickStale(m, action); err != nil {
		p.s.T.Fatalf("%s presses %s: %v", p.id, action, err)
	}
}

// Presses clicks a button of a message.
func (p *Person) Presses(m slackfake.Message, action string) {
	p.s.T.Helper()
	if _, err := p.Click(m, action); err != nil {
		p.s.T.Fatalf("%s presses %s: %v", p.id, action, err)
	}
}

// All expects every message that shows all the texts there once all is quiet, and says
// how many there are.
func (s *Story) All(where string, texts ...string) int {
	s.T.Helper()
	s.Quiet()
	list := s.Slack.Messages(where)
	if strings.HasPrefix(where, "U") {
		list = s.Slack.User(where).DM()
	}
	n := 0
	for _, m := range list {
		if company.Shows(m, texts...) {
			s.expect(m)
			n++
		}
	}
	return n
}
