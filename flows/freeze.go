package flows

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Freeze stops everything that gives access, on every replica and until Unfreeze,
// whatever is decided: admins only. What ends access goes on. The store itself holds
// it (Change.Freeze). It is an entry of the "system" chain, and every flow's channels
// are told.
func (e *Engine) Freeze(ctx context.Context, actor Actor, why Text, fin Finish) (*Refusal, error) {
	since := e.o.Clock.Now()
	return e.freeze(ctx, actor, why, since, Entry{Verb: "frozen"}, AboutFrozen, fin)
}

// Unfreeze lifts the freeze: admins only. Requests that waited can be decided again.
func (e *Engine) Unfreeze(ctx context.Context, actor Actor, why Text, fin Finish) (*Refusal, error) {
	return e.freeze(ctx, actor, why, time.Time{}, Entry{Verb: "unfrozen"}, AboutUnfrozen, fin)
}

func (e *Engine) freeze(ctx context.Context, actor Actor, why Text, since time.Time, entry Entry, about About, fin Finish) (*Refusal, error) {
	actor, no, err := e.admin(ctx, actor, entry.Verb, fin)
	if no != nil || err != nil {
		return no, err
	}
	entry.Actor, entry.Facts = actor, said(actor, why)
	return nil, e.record(ctx, "system", entry, Finish{Job: fin.Job, Inbox: fin.Inbox, Also: func(o Outcome) []Job {
		jobs := e.shout(Notice{About: about, By: actor.Person, Said: why})
		if fin.Also != nil {
			jobs = append(jobs, fin.Also(o)...)
		}
		return jobs
	}}, &since)
}

// admin looks the actor up and refuses, on the record, who is no admin.
func (e *Engine) admin(ctx context.Context, actor Actor, verb string, fin Finish) (Actor, *Refusal, error) {
	cmd, f := Command{Actor: actor}, e.baseFacts(nil)
	g := gathering{e: e, f: &f, cmd: &cmd}
	g.actor(ctx)
	actor = cmd.Actor
	if actor.Admin && (actor.Person == "" || actor.Standing == StandingMember) {
		return actor, nil, nil
	}
	no := Refuse(RefusedNotAllowed, "Only an admin can do that. Nothing was changed.").Then("Admins are named in the configuration, under roles.")
	refused := fin
	refused.Also = func(Outcome) []Job { return withAlso(Outcome{Refusal: no}, fin) }
	err := e.Record(ctx, "system", Entry{Verb: "refused", Actor: actor, Code: no.Code, Facts: map[string]any{"asked_for": verb}}, refused)
	return actor, no, err
}

// said are the facts of what somebody did with a reason.
func said(actor Actor, why Text) map[string]any {
	facts := map[string]any{}
	if !why.Empty() {
		facts["reason"] = Personal{About: actor.Person, Value: why.Raw()}
	}
	return facts
}

// shout tells the channel of every flow, and of every flow's faults, once each.
func (e *Engine) shout(n Notice) []Job {
	var channels []string
	for _, f := range e.o.Catalog().Flows {
		for _, c := range []string{f.ErrorsTo, f.Channel} {
			if c != "" && !slices.Contains(channels, c) {
				channels = append(channels, c)
			}
		}
	}
	slices.Sort(channels)
	now := e.o.Clock.Now()
	jobs := make([]Job, 0, len(channels))
	for _, c := range channels {
		n.Channel = c
		args, err := json.Marshal(n)
		if err != nil {
			panic(err) // strings only
		}
		key := fmt.Sprint(n.About, "/", c, "/", strconv.FormatInt(now.UnixNano(), 36))
		jobs = append(jobs, Job{Kind: JobNotice, Key: JobKey(JobNotice, key), Subject: string(n.About), RunAt: now, Args: args})
	}
	return jobs
}
