package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/config"
	"breakglass/integrations/slack"
	"breakglass/store"
)

// published is what Slack and PagerDuty have of the log.
type published struct {
	witnessed               []audit.Witnessed
	findings                []audit.Finding
	slack, notes, incidents int
}

// maxLiveIncidents is how many incidents are read, the newest first.
const maxLiveIncidents = 500

// fetch reads the checkpoints that were published, through the clients that published
// them: by what stands there, and not by what the database says was sent.
func (c *cli) fetch(ctx context.Context, st *store.Store, cfg *config.Config, progress func(string)) (*published, error) {
	v, err := app.OpenVendors(cfg, app.VendorOptions{Clock: app.SystemClock{}, Paced: true})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	p := &published{}
	progress("reading the Slack channel")
	if err := p.fromSlack(ctx, v.Slack, app.AuditChannel(cfg)); err != nil {
		return nil, hint(err, "breakglass audit verify --live needs the scope channels:history (groups:history for a private channel) on the Slack app; without it, copy the messages into a file and give it with --checkpoint")
	}
	return p, p.fromPagerDuty(ctx, v, st, progress)
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

func (p *published) fromPagerDuty(ctx context.Context, v app.Vendors, st *store.Store, progress func(string)) error {
	ids, err := incidents(ctx, st)
	if err != nil {
		return err
	}
	for i, id := range ids {
		progress(fmt.Sprintf("reading the notes on incidents, %d of %d", i+1, len(ids)))
		notes, err := v.PagerDuty.OwnNotes(ctx, id)
		if _, gone := errors.AsType[*flows.Permanent](err); gone {
			continue // it was deleted there, which is theirs to do
		}
		if err != nil {
			return err
		}
		p.incidents++
		for _, h := range audit.FindHeads(strings.Join(notes, "\n")) {
			p.notes++
			p.witnessed = append(p.witnessed, audit.Witnessed{Head: &h, Where: "a note on incident " + string(id)})
		}
	}
	return nil
}

// incidents are those of the newest requests.
func incidents(ctx context.Context, st *store.Store) ([]flows.IncidentID, error) {
	var out []flows.IncidentID
	seen := map[flows.IncidentID]bool{}
	for f := (flows.RequestFilter{Limit: 500}); ; {
		page, err := st.Requests(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			f.Before = r.ID
			if id := r.Incident(); id != "" && !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
		if len(page) < f.Limit || len(out) >= maxLiveIncidents {
			return out[:min(len(out), maxLiveIncidents)], nil
		}
	}
}
