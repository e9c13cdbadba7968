package bottest

import (
	"strings"

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
func (p *Person) Form(field string) slackfake.View {
	p.s.T.Helper()
	var view slackfake.View
	p.s.Until(p.id+"'s form with the field "+field, func() bool {
		v, open := p.Front()
		view = v
		if !open {
			return false
		}
		for _, e := range v.Elements() {
			if e.BlockID == field || e.ActionID == field {
				return true
			}
		}
		return false
	})
	return view
}

// Asks fills the form that "/access" opens and submits it.
func (p *Person) Asks(target, reason string, more slackfake.Values) {
	p.s.T.Helper()
	p.Types("/access")
	view := p.Form("target")
	if _, err := p.Fill(view, "target", target); err != nil {
		p.s.T.Fatalf("%s picks %q: %v", p.id, target, err)
	}
	view = p.Form("reason")
	values := slackfake.Values{"reason": reason}
	for k, v := range more {
		values[k] = v
	}
	if _, err := p.Submit(view, values); err != nil {
		p.s.T.Fatalf("%s submits: %v", p.id, err)
	}
	if v, open := p.Front(); open && len(v.Errors) > 0 {
		p.s.T.Fatalf("%s submits: %v", p.id, v.Errors)
	}
}

// Sees waits for a message in the person's DM that shows every one of the texts, and
// returns it. An edited message counts as it is now.
func (p *Person) Sees(texts ...string) slackfake.Message {
	p.s.T.Helper()
	return p.s.find(p.id+"'s DM", p.DM, texts)
}

// In waits for a message in a channel.
func (s *Story) In(channel string, texts ...string) slackfake.Message {
	s.T.Helper()
	return s.find(channel, func() []slackfake.Message { return s.Slack.Messages(channel) }, texts)
}

// Told waits for a message that only this person sees.
func (p *Person) Told(texts ...string) {
	p.s.T.Helper()
	p.s.find("what only "+p.id+" sees", p.Ephemerals, texts)
}

func (s *Story) find(where string, list func() []slackfake.Message, texts []string) slackfake.Message {
	s.T.Helper()
	var found slackfake.Message
	s.Until(where+" to show "+strings.Join(texts, ", "), func() bool {
		for _, m := range list() {
			if shows(m, texts) {
				found = m
				s.see(m)
				return true
			}
		}
		return false
	})
	return found
}

func shows(m slackfake.Message, texts []string) bool {
	all := m.Shown()
	for _, t := range texts {
		if !strings.Contains(all, t) {
			return false
		}
	}
	return true
}

// Presses clicks a button of a message.
func (p *Person) Presses(m slackfake.Message, action string) {
	p.s.T.Helper()
	if _, err := p.Click(m, action); err != nil {
		p.s.T.Fatalf("%s presses %s: %v", p.id, action, err)
	}
}
