package history

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"breakglass/flows"
)

// symSchema is the version of Sym's event form that is written.
const symSchema = 6

// symTypes are the steps that Sym's approval template had events for, by our verbs.
var symTypes = map[flows.Verb]string{
	flows.VerbSubmit: "request", flows.VerbForward: "request_forward", flows.VerbLapse: "request_expire", flows.VerbApprove: "approve",
	flows.VerbDeny: "deny", flows.VerbGranted: "escalate", flows.VerbRevoked: "deescalate",
}

// symEvent is one event as Sym sent it to its customers' sinks, with the incident that
// it never had. The id is the entry's hash, so a duplicate has the same one.
type symEvent struct {
	ID       string       `json:"id"`
	Meta     symMeta      `json:"meta"`
	State    symState     `json:"state"`
	Run      symRun       `json:"run"`
	Event    symSpec      `json:"event"`
	Actor    symActor     `json:"actor"`
	Fields   symFields    `json:"fields"`
	Incident *symIncident `json:"incident"`
	Type     string       `json:"type"`
}

type symMeta struct {
	Schema int `json:"schema_version"`
}

type symState struct {
	Status string   `json:"status"`
	Errors []string `json:"errors"`
}

type symRun struct {
	SRN    string              `json:"srn"`
	Parent *string             `json:"parent"`
	Flow   string              `json:"flow"`
	Actors map[string]symActor `json:"actors"`
}

type symSpec struct {
	SRN       string `json:"srn"`
	Type      string `json:"type"`
	Template  string `json:"template"`
	Timestamp string `json:"timestamp"`
	Channel   string `json:"channel"`
}

type symActor struct {
	User     string      `json:"user"`
	Name     string      `json:"name"`
	Username string      `json:"username"`
	Identity symIdentity `json:"identity"`
}

type symIdentity struct {
	Service    string `json:"service"`
	ExternalID string `json:"external_id"`
	UserID     string `json:"user_id"`
}

type symFields struct {
	Reason     string            `json:"reason"`
	Duration   int64             `json:"duration"`
	Target     symTarget         `json:"target"`
	TargetID   string            `json:"target_id"`
	Deescalate string            `json:"deescalate_type,omitempty"`
	Prompt     map[string]string `json:"prompt,omitempty"`
}

type symTarget struct {
	Name     string         `json:"name"`
	SRN      string         `json:"srn"`
	Type     string         `json:"type"`
	Label    string         `json:"label"`
	Settings map[string]any `json:"settings"`
}

type symIncident struct {
	Service string `json:"service"`
	ID      string `json:"id"`
	Number  int    `json:"number,omitempty"`
	Title   string `json:"title,omitempty"`
	URL     string `json:"url,omitempty"`
}

// symEvents writes the events of requests, each request's in order.
type symEvents struct {
	x   Exporter
	enc *json.Encoder
}

func (s *symEvents) read(ctx context.Context, f flows.Search) page {
	found, err := s.x.Finder.Search(ctx, f)
	return page{requests: found.Requests, next: found.Next, err: err}
}

func (s *symEvents) write(ctx context.Context, p page) (int, error) {
	for i := range p.requests {
		if err := s.add(ctx, &p.requests[i]); err != nil {
			return i, err
		}
	}
	return len(p.requests), nil
}

func (s *symEvents) add(ctx context.Context, r *flows.Request) error {
	entries, err := s.x.Chains.Entries(ctx, string(r.ID))
	if err != nil {
		return err
	}
	actors := map[string]symActor{}
	for i := range entries {
		kind, is := symTypes[flows.Verb(entries[i].Verb)]
		if !is {
			continue
		}
		e, err := EventOf(&entries[i])
		if err != nil {
			return err
		}
		event := s.event(r, &e, kind, actors)
		if err := s.enc.Encode(&event); err != nil {
			return err
		}
	}
	return nil
}

func (*symEvents) end() error { return nil }

func (s *symEvents) event(r *flows.Request, e *Event, kind string, actors map[string]symActor) symEvent {
	c := &r.Content
	who := s.actor(s.who(r, e, kind))
	actors[kind] = who
	so := maps.Clone(actors) // as it was at the event
	out := symEvent{
		ID: e.Hash, Meta: symMeta{symSchema}, State: symState{"completed", []string{}}, Type: "event", Actor: who,
		Run: symRun{SRN: "sym:run:" + string(c.Flow) + ":1.0.0:" + string(r.ID), Flow: "sym:flow:" + string(c.Flow) + ":1.0.0", Actors: so},
		Event: symSpec{
			SRN: "sym:event-spec:approval:1.0.0:" + kind, Type: kind, Template: "sym:template:approval:1.0.0",
			Timestamp: e.At.UTC().Format("2006-01-02T15:04:05.000000"), Channel: channel(e),
		},
		Fields: symFields{
			Reason: c.Reason.Raw(), Duration: int64(c.Duration / time.Second), TargetID: string(c.Target),
			Target: symTarget{
				Name: string(c.Target), SRN: "sym:access_target:" + string(c.Target) + ":latest", Type: "access_target",
				Label: string(c.Target), Settings: map[string]any{},
			},
		},
	}
	for _, f := range c.Fields {
		if out.Fields.Prompt == nil {
			out.Fields.Prompt = map[string]string{}
		}
		out.Fields.Prompt[f.Name] = f.Value.Raw()
	}
	if kind == "deescalate" {
		out.Fields.Deescalate = "manual"
		if r.EndedBy == "" {
			out.Fields.Deescalate = "scheduled"
		}
	}
	if ref := r.IncidentNow(); ref.ID != "" {
		out.Incident = &symIncident{"pagerduty", string(ref.ID), ref.Number, ref.Title.Raw(), ref.URL}
	}
	return out
}

// who is the actor of an event: the person of the entry, or where the engine acted by
// itself, as Sym had it, who let it happen.
func (s *symEvents) who(r *flows.Request, e *Event, kind string) flows.PersonID {
	switch p := e.text("person"); {
	case p != "":
		return flows.PersonID(p)
	case kind == "deescalate" && r.EndedBy != "":
		return r.EndedBy
	case (kind == "escalate" || kind == "deescalate") && r.DecidedBy != "":
		return r.DecidedBy
	}
	return r.Content.Requester
}

func (s *symEvents) actor(p flows.PersonID) symActor {
	if p == Erased {
		return symActor{User: "sym:user:erased:latest", Name: Erased, Username: Erased, Identity: symIdentity{Service: "slack"}}
	}
	name := p.User()
	if s.x.Name != nil {
		name = s.x.Name(p)
	}
	return symActor{
		User: "sym:user:" + p.User() + ":latest", Name: name, Username: name,
		Identity: symIdentity{Service: "slack", ExternalID: p.Team(), UserID: p.User()},
	}
}

func channel(e *Event) string {
	switch flows.Door(e.text("door")) {
	case flows.DoorSlack:
		return "slack"
	case flows.DoorEngine:
		return "internal"
	}
	return "api"
}
