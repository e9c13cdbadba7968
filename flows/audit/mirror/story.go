package mirror

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
)

// step is one entry of a request, as far as others show it too.
type step struct {
	seq            int64
	at             time.Time
	verb, from, to string
	who            flows.PersonID // empty: the program itself, or erased
	erased         bool           // who, or where they clicked, was
	link           string         // the message they clicked on
	incident       bool           // the request had one by then
	hash           string
}

// story is a request as its entries tell it, in order.
type story struct {
	id        flows.RequestID
	steps     []step
	requester string // user's id; empty where it was erased
	incidents []flows.IncidentID
	opened    bool // an incident was opened for it
}

// story reads it, once; one without steps is of a request that no entry tells of.
func (c *comparison) story(ctx context.Context, id flows.RequestID) (*story, error) {
	if s := c.stories[id]; s != nil {
		return s, nil
	}
	entries, err := c.rec.Entries(ctx, string(id))
	if err != nil {
		return nil, err
	}
	events, err := history.Events(entries)
	if err != nil {
		return nil, err
	}
	s := &story{id: id}
	for i := range events {
		s.add(&events[i])
	}
	c.stories[id] = s
	return s, nil
}

func (s *story) add(e *history.Event) {
	actor, _ := e.Actor.(map[string]any)
	facts, _ := e.Facts.(map[string]any)
	st := step{seq: e.Seq, at: e.At, verb: e.Verb, from: e.From, to: e.To, who: flows.PersonID(e.Who()), hash: e.Hash}
	st.link, _ = actor["permalink"].(string)
	if st.who == history.Erased || st.link == history.Erased {
		st.who, st.link, st.erased = "", "", true
	}
	if id, _ := facts["incident"].(string); id != "" {
		st.incident = true
	}
	if into, _ := facts["into"].(string); into != "" && e.Verb == "incident_merged" {
		s.incidents = append(s.incidents, flows.IncidentID(into))
	}
	if who, _ := facts["requester"].(string); who != "" && who != history.Erased {
		s.requester = flows.PersonID(who).User()
	}
	s.steps = append(s.steps, st)
}

// entry names an entry of it.
func (s *story) entry(seq int64) string { return fmt.Sprintf("entry %d of %s", seq, s.id) }

// says is what the decisions among the entries say, up to one of them.
func (s *story) says(upTo int64) string {
	var parts []string
	for _, st := range s.steps {
		if st.seq <= upTo && slices.Contains(decisive, st.verb) && (st.verb != "route" || st.to == "denied") {
			parts = append(parts, st.String())
		}
	}
	if len(parts) == 0 {
		return "no decision"
	}
	return strings.Join(parts, "; ")
}

// decisive are the steps that others are told of.
var decisive = []string{"route", "approve", "deny", "lapse", "cancel", "granted", "grant_failed", "done", "revoke", "end", "revoked", "review"}

// String is who did what, and when.
func (st step) String() string {
	by := ""
	switch {
	case st.erased:
		by = " by somebody who was erased"
	case st.who != "":
		by = " by " + st.who.User()
	}
	return fmt.Sprintf("%s%s at %s", st.verb, by, moment(st.at))
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
