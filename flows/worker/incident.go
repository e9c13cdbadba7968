package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
)

// LiveIncidents lists the incidents that undecided or live requests belong to, with
// those requests; the store implements it.
type LiveIncidents interface {
	LiveIncidents(ctx context.Context) (map[flows.IncidentID][]flows.RequestID, error)
}

// reconcileEvery is how often linked open incidents are read: PagerDuty's webhooks
// only make it sooner.
const reconcileEvery = time.Minute

// ReconcileJob is the job that keeps re-reading incidents; it is written at start and
// writes itself again each time.
func ReconcileJob(at time.Time) flows.Job {
	return flows.Job{Kind: flows.JobReconcile, Key: flows.JobKey(flows.JobReconcile, "incidents"), Subject: "incidents", RunAt: at}
}

// unreadableAfter is how long an incident of live access may be unreadable before the
// operators are told.
const unreadableAfter = 10 * time.Minute

// reconcile re-reads every incident that something live belongs to, in one go. What
// could not be read, and since when, goes with the job to its next run.
func (e *Effects) reconcile(ctx context.Context, j flows.Job) error {
	live, err := e.Live.LiveIncidents(ctx)
	if err != nil {
		return fmt.Errorf("list live incidents: %w", err)
	}
	dark := map[flows.IncidentID]time.Time{}
	if len(j.Args) > 0 && json.Unmarshal(j.Args, &dark) != nil {
		clear(dark) // counted anew
	}
	if len(live) > 0 {
		dark, err = e.follow(ctx, live, dark)
	} else {
		clear(dark)
	}
	err = errors.Join(err, e.endForTheGone(ctx), e.afterwards(ctx))
	next := ReconcileJob(e.Engine.Now().Add(reconcileEvery))
	if len(dark) > 0 {
		args, merr := json.Marshal(dark)
		next.Args, err = args, errors.Join(err, merr)
	}
	return errors.Join(err, e.Engine.Finish(ctx, flows.Finish{Job: &j, Also: func(flows.Outcome) []flows.Job { return []flows.Job{next} }}))
}

// follow reads the incidents and lets what is live follow them. It returns those that
// could not be read, each with the time since when.
func (e *Effects) follow(ctx context.Context, live map[flows.IncidentID][]flows.RequestID, was map[flows.IncidentID]time.Time) (map[flows.IncidentID]time.Time, error) {
	ids := make([]flows.IncidentID, 0, len(live))
	for id := range live {
		ids = append(ids, id)
	}
	now := e.Engine.Now()
	read, err := e.Incidents.IncidentsByID(ctx, ids)
	dark := map[flows.IncidentID]time.Time{}
	for id, reqs := range live {
		inc, ok := read[id]
		since, long := was[id]
		if !ok && !long {
			since = now
		}
		if !ok {
			dark[id] = since
		}
		for _, req := range reqs {
			var ferr error
			if ok {
				_, ferr = e.Engine.FollowIncident(ctx, req, inc, flows.Finish{})
			} else if now.Sub(since) >= unreadableAfter {
				_, ferr = e.Engine.Aside(ctx, req, flows.Finish{}, flows.Unreadable)
			}
			if ferr != nil {
				err = errors.Join(err, fmt.Errorf("follow incident %s for %s: %w", id, req, ferr))
			}
		}
	}
	return dark, err
}

// Reread is what a webhook causes: the incident is read again, now, and the reading
// decides. It closes job and inbox row.
func (e *Effects) Reread(ctx context.Context, id flows.IncidentID, fin flows.Finish) error {
	live, err := e.Live.LiveIncidents(ctx)
	if err != nil {
		return fmt.Errorf("list live incidents: %w", err)
	}
	over, err := e.hasOver(ctx, id)
	if err != nil {
		return err
	}
	if reqs := live[id]; len(reqs) > 0 || over {
		inc, err := e.Incidents.Incident(ctx, string(id))
		var never *flows.Permanent
		switch {
		case err == nil:
			err = e.tell(ctx, inc, reqs, over)
		case errors.Is(err, flows.ErrNotFound), errors.As(err, &never):
			err = nil
		}
		if err != nil {
			return err // tried again; the reconciler is the guarantee
		}
	}
	return e.Engine.Finish(ctx, fin)
}

// tell has requests of an incident follow it, and with them those that are over.
func (e *Effects) tell(ctx context.Context, inc flows.Incident, reqs []flows.RequestID, over bool) error {
	for _, req := range reqs {
		if _, err := e.Engine.FollowIncident(ctx, req, inc, flows.Finish{}); err != nil {
			return err
		}
	}
	if !over {
		return nil
	}
	return e.tellOver(ctx, inc)
}

// open opens a PagerDuty incident for a request that names none, in flows that say so;
// the key is the request's own, so a repeat finds the same incident.
func (e *Effects) open(ctx context.Context, j flows.Job) error {
	rec, err := e.Engine.Load(ctx, flows.RequestID(j.Subject))
	if err != nil {
		return gone(err)
	}
	f := e.Engine.Catalog().Flows[rec.Request.Content.Flow]
	if f == nil || f.OpensAt == "" || rec.Request.Incident() != "" || rec.Request.State.Final() {
		return e.Engine.Finish(ctx, flows.Finish{Job: &j})
	}
	target := string(rec.Request.Content.Target)
	if t := e.Engine.Catalog().Targets[rec.Request.Content.Target]; t != nil && t.Label != "" {
		target = t.Label
	}
	title := flows.NewText("Access to " + target + ": " + rec.Request.Content.Reason.Raw())
	inc, err := e.Notes.CreateIncident(ctx, "breakglass/"+string(rec.Request.ID), f.OpensAt, title)
	if err != nil {
		return fmt.Errorf("open an incident for %s: %w", rec.Request.ID, err)
	}
	_, err = e.Engine.Aside(ctx, rec.Request.ID, flows.Finish{Job: &j}, func(r flows.Request, facts flows.Facts, now time.Time) flows.Outcome {
		return flows.IncidentOpened(r, facts, now, inc)
	})
	return err
}

// note writes to the PagerDuty incident what became of a request.
func (e *Effects) note(ctx context.Context, j flows.Job) error {
	rec, err := e.Engine.Load(ctx, flows.RequestID(j.Subject))
	if err != nil {
		return gone(err)
	}
	if rec.Request.Incident() == "" {
		if rec.Request.State.Final() || j.Attempts > 20 {
			return e.Engine.Finish(ctx, flows.Finish{Job: &j}) // no incident could be opened
		}
		return &flows.Temporary{Err: errors.New("the incident is not open yet"), After: 5}
	}
	var what flows.Noted
	if err := json.Unmarshal(j.Args, &what); err != nil {
		return &flows.Permanent{Err: fmt.Errorf("read the note's arguments: %w", err)}
	}
	text := e.Note(rec.Request, what, func(p flows.PersonID) string { return e.name(ctx, p) })
	if link := e.permalink(ctx, rec.Cards); link != "" {
		text += " In Slack: " + link
	}
	if err := e.Notes.Note(ctx, rec.Request.Incident(), j.Key, text); err != nil {
		return fmt.Errorf("write a note to incident %s: %w", rec.Request.Incident(), err)
	}
	return e.Engine.Finish(ctx, flows.Finish{Job: &j})
}

// Permalinks tells where a message is; integrations/slack implements it.
type Permalinks interface {
	Permalink(ctx context.Context, channel, ts string) (string, error)
}

// permalink is the address of the card that stands in a channel, where one does. A
// Slack that is slow keeps no note back.
func (e *Effects) permalink(ctx context.Context, cards []flows.Card) string {
	ctx, cancel := context.WithTimeout(ctx, profileWithin)
	defer cancel()
	for _, c := range cards {
		if e.Links == nil || c.To != "" || c.TS == "" {
			continue
		}
		if link, err := e.Links.Permalink(ctx, c.Channel, c.TS); err == nil {
			return link
		}
	}
	return ""
}

// name is how a note calls a person: by the pinned link, else by Slack's name.
func (e *Effects) name(ctx context.Context, p flows.PersonID) string {
	if link, ok := e.Engine.Catalog().Links.Of(p); ok && link.Email != "" {
		return link.Email
	}
	if profile, err := e.Directory.Profile(ctx, p, false); err == nil && profile.Name != "" {
		return profile.Name
	}
	return p.User()
}
