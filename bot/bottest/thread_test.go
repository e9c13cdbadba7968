package bottest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/slackfake"
)

// thread is what stands in the thread below a card, in order.
func thread(s *bottest.Story, card msg) (lines []string) {
	s.Quiet()
	for _, m := range s.Slack.Messages(card.Channel) {
		if m.ThreadTS == card.TS && m.TS != card.TS {
			line, _, _ := strings.Cut(m.Shown(), "\n")
			lines = append(lines, line)
		}
	}
	return lines
}

// A card in a channel shows how things stand, the thread below it what happened: every
// step, in order. The incident's note leads to the card, and the card to the incident.
func TestTheThreadTellsWhatHappened(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.channel("#general", approvers=["U0NOOR"])`))
	inc := opened(s, "Ledger stuck")
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	card := s.In("C0GENERAL", "<@U0SAM> asks for Production database", inc.Title)
	s.As(company.Noor).Presses(card, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	card = s.In("C0GENERAL", "<@U0SAM> asks for Production database", "Access works until")
	s.As(company.Noor).Revokes(card, "wrong cluster")
	s.As(company.Sam).Sees("has ended: revoked by <@U0NOOR>")
	s.In("C0GENERAL", "<@U0SAM> asks for Production database", "Ended")
	want := []string{"<@U0NOOR> approved.", "Access works, until", "<@U0NOOR> revoked it: “wrong cluster”", "The target confirmed it"}
	got := thread(s, card)
	if len(got) != len(want) || !slices.EqualFunc(got, want, func(g, w string) bool { return strings.HasPrefix(g, "› "+w) }) {
		t.Errorf("the thread says %q", got)
	}
	link := "In Slack: https://demo.slack.com/archives/C0GENERAL/p" + strings.ReplaceAll(card.TS, ".", "")
	notes(s, inc.ID, link, link)
	s.All(company.Sam, "Production database")
}

// Nobody answers: the thread of the first card says who is asked next.
func TestTheThreadTellsWhoIsAskedNext(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.channel("#general", approvers=["U0NOOR"])`))
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	card := s.In("C0GENERAL", "<@U0SAM> asks for Production database")
	s.FastForward(16 * time.Minute)
	if got := thread(s, card); !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, "› Nobody answered in time. Asked now: ") }) {
		t.Errorf("the thread says %q", got)
	}
	for _, where := range []string{company.Sam, "C0GENERAL", "C0SREM"} {
		s.All(where)
	}
}

// picks chooses from the menu of a card.
func picks(s *bottest.Story, who string, card msg, label string) {
	s.T.Helper()
	_, err := s.As(who).Fill(card, "bg:menu", label)
	must(s.T, err)
}

// What is seldom needed is behind the three dots of a card: the whole text with the id,
// the incident, and to ask the next people sooner.
func TestTheMenuOfACard(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	his := s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	maras := s.As(company.Mara).Sees("asks for Production database", "Waiting for you")
	s.As(company.Noor).Sees("asks for Production database", "Waiting for you")
	id := s.Only().ID
	for who, card := range map[string]msg{company.Sam: his, company.Mara: maras} {
		picks(s, who, card, "Details and id")
		s.Until("the details", func() bool {
			v, open := s.As(who).Front()
			return open && contains(v.Shown(), string(id)) && contains(v.Shown(), "the ledger is stuck")
		})
		picks(s, who, card, "Open incident #1") // a link: nothing happens here
	}
	s.Expect("submit", "route")
	picks(s, company.Mara, maras, "Ask the next people now")
	s.In("C0SREM", "<@U0SAM> asks for Production database")
	s.As(company.Sam).Sees("more people are asked now")
	s.Expect("submit", "route", "forward")
	s.All(company.Sam)
	s.All(company.Mara)
	s.All(company.Noor)
}
