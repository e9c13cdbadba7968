package bottest

import (
	"context"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/audit/mirror"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/slackfake"
)

// Mirrored fails unless the notes in PagerDuty and the cards in Slack, so many of each, fit
// the entries. It returns what could not be compared.
func (s *Story) Mirrored(notes, cards int) []string {
	s.T.Helper()
	r := s.mirrored()
	for _, f := range r.Findings {
		s.T.Errorf("held to Slack and PagerDuty: %s", f)
	}
	if r.Notes != notes || r.Cards != cards {
		s.T.Errorf("%d notes and %d cards were compared, want %d and %d", r.Notes, r.Cards, notes, cards)
	}
	return r.Uncompared
}

// mirrored compares as an auditor does, who had the app allowed to read.
func (s *Story) mirrored() *mirror.Result {
	s.T.Helper()
	s.Quiet()
	scopes := append(slackfake.DefaultBotScopes(), "channels:history", "groups:history", "im:history")
	s.Slack.SetToken(s.Slack.Config().BotToken, slackfake.Token{Kind: slackfake.BotToken, Scopes: scopes})
	v, err := app.OpenVendors(s.Config, app.VendorOptions{Clock: s.Clock})
	if err != nil {
		s.T.Fatal(err)
	}
	defer v.Close()
	r, err := mirror.Compare(s.T.Context(), s.App.Store(), mirror.Outside{
		Notes: func(ctx context.Context, id flows.IncidentID) ([]mirror.Note, error) {
			own, err := v.PagerDuty.OwnNotes(ctx, id)
			out := make([]mirror.Note, len(own))
			for i, n := range own {
				out[i] = mirror.Note(n)
			}
			return out, err
		},
		Mark: pagerduty.NoteMark,
		Card: func(ctx context.Context, channel, ts string) (mirror.Card, error) {
			m, err := v.Slack.Message(ctx, channel, ts)
			out := mirror.Card{Own: m.Own, Person: m.Person}
			for _, b := range m.Blocks {
				out.Blocks = append(out.Blocks, mirror.Block(b))
			}
			return out, err
		},
		Now: s.Clock.Now(), Ours: func(string) bool { return true },
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return r
}
