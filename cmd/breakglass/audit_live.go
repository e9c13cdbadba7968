package main

import (
	"context"
	"fmt"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/mirror"
	"breakglass/flows/config"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/slack"
	"breakglass/store"
)

// published is what Slack and PagerDuty have of the log.
type published struct {
	witnessed    []audit.Witnessed
	findings     []audit.Finding
	slack, heads int // checkpoints
	held         *mirror.Result
}

// slackPatience is how long a card may wait for its turn under Slack's rate limit.
const slackPatience = 2 * time.Minute

// fetch reads what was published, through the clients that published it: the checkpoints,
// by what stands there, and not by what the database says was sent; and the notes and the
// cards, which are held to the entries that they tell of.
func (c *cli) fetch(ctx context.Context, st *store.Store, cfg *config.Config, ours func(origin string) bool, progress func(string)) (*published, error) {
	v, err := app.OpenVendors(cfg, app.VendorOptions{Clock: app.SystemClock{}, Paced: true, MaxWait: slackPatience})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	p := &published{}
	progress("reading the Slack channel")
	if err := p.fromSlack(ctx, v.Slack, app.AuditChannel(cfg)); err != nil {
		return nil, hint(err, "breakglass audit verify --live needs the scope channels:history (groups:history for a private channel) on the Slack app; without it, copy the messages into a file and give it with --checkpoint")
	}
	p.held, err = mirror.Compare(ctx, st, mirror.Outside{
		Notes: p.notes(v.PagerDuty), Mark: pagerduty.NoteMark, Card: card(v.Slack), Now: app.SystemClock{}.Now(), Ours: ours, Progress: progress,
	})
	return p, err
}

func (p *published) fromSlack(ctx context.Context, c *slack.Client, channel string) error {
	if channel == "" {
		return nil
	}
	id, own, err := c.Own(ctx, channel)
	if err != nil {
		return err
	}
	for _, m := range own {
		where := "Slack " + id + "/" + m.TS
		notes := audit.FindNotes(m.Text)
		if len(notes) > 0 && m.Edited {
			p.findings = append(p.findings, audit.Finding{From: -1, To: -1, What: "the checkpoint at " + where + " was edited after it was posted"})
		}
		for _, n := range notes {
			p.slack++
			p.witnessed = append(p.witnessed, audit.Witnessed{Note: n, Where: where})
		}
	}
	return nil
}

// notes reads those on an incident, and keeps the checkpoints in them.
func (p *published) notes(c *pagerduty.Client) func(context.Context, flows.IncidentID) ([]mirror.Note, error) {
	return func(ctx context.Context, id flows.IncidentID) ([]mirror.Note, error) {
		own, err := c.OwnNotes(ctx, id)
		out := make([]mirror.Note, len(own))
		for i, n := range own {
			out[i] = mirror.Note(n)
			if h, ok := audit.FindNoted(n.Text); ok {
				p.heads++
				p.witnessed = append(p.witnessed, audit.Witnessed{Head: &h, Where: "a note on incident " + string(id)})
			}
		}
		return out, err
	}
}

// card reads a message.
func card(c *slack.Client) func(ctx context.Context, channel, ts string) (mirror.Card, error) {
	return func(ctx context.Context, channel, ts string) (mirror.Card, error) {
		m, err := c.Message(ctx, channel, ts)
		out := mirror.Card{Own: m.Own, Person: m.Person}
		for _, b := range m.Blocks {
			out.Blocks = append(out.Blocks, mirror.Block(b))
		}
		return out, err
	}
}

// ours reports whether a log that a note names is the one that is verified; without keys,
// one without a name is.
func (v *verification) ours(origin string) bool {
	return (len(v.keys) == 0) == (origin == "") && v.signs(origin)
}

// all are the findings outside of the tree.
func (p *published) all() []audit.Finding {
	if p.held == nil {
		return p.findings
	}
	return append(p.findings, p.held.Findings...)
}

// lines is what was compared, for people.
func (p *published) lines() []string {
	r := p.held
	out := []string{
		fmt.Sprintf("%s from Slack and %s from notes on %s were compared.", count(p.slack, "checkpoint", "checkpoints"),
			count(p.heads, "checkpoint", "checkpoints"), count(r.Incidents, "incident", "incidents")),
		fmt.Sprintf("%s in PagerDuty and %s in Slack were held to the entries they tell of.", count(r.Notes, "note", "notes"), count(r.Cards, "card", "cards")),
	}
	if n := len(r.Uncompared) + r.More; n > 0 {
		out = append(out, count(n, "thing", "things")+" could not be compared, which says nothing against the log:")
		for _, what := range r.Uncompared {
			out = append(out, "  "+plainWords(what))
		}
		if r.More > 0 {
			out = append(out, fmt.Sprintf("  and %d more", r.More))
		}
	}
	return out
}

// numbers is the same for programs.
func (p *published) numbers() map[string]any {
	r := p.held
	return map[string]any{
		"checkpoints_slack": p.slack, "checkpoints_notes": p.heads, "incidents": r.Incidents, "notes": r.Notes, "cards": r.Cards,
		"uncompared": append([]string{}, r.Uncompared...), "uncompared_more": r.More,
	}
}

// limits says what the comparison cannot know.
func (p *published) limits() []string {
	if p.held == nil {
		return nil
	}
	return []string{
		"A note or card that fits shows that who could write the database did not change what it tells of since, unless they could write in PagerDuty or Slack, too. " +
			"It fixes the request's entries up to the one that the note names; of a card, who decided. A card may have been redrawn by a program that was told otherwise, and what nobody was shown is not compared.",
	}
}
