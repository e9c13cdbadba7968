package handler

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"breakglass/flows"
)

// eventAttrs are the attributes of evt, for completion and suggestions.
var eventAttrs = []string{
	"beneficiary", "duration", "fields", "flow", "id", "incident", "name", "payload",
	"reason", "scope", "target", "user", "vars",
}

// event is evt: the request that is being routed, as a handler sees it. Read-only.
type event struct {
	e      *evaluation
	fields *starlark.Dict // built when first asked for
	flow   *record
	varsOf *starlark.Dict
}

func (ev *event) String() string        { return "<event of request " + string(ev.e.in.Request.ID) + ">" }
func (ev *event) Type() string          { return "event" }
func (ev *event) Freeze()               {}
func (ev *event) Truth() starlark.Bool  { return true }
func (ev *event) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: event") }

// AttrNames implements starlark.HasAttrs.
func (ev *event) AttrNames() []string { return eventAttrs }

// Attr implements starlark.HasAttrs.
func (ev *event) Attr(name string) (starlark.Value, error) {
	e, c := ev.e, &ev.e.in.Request.Content
	switch name {
	case "user":
		return e.requester(), nil
	case "beneficiary":
		if c.Beneficiary == c.Requester {
			return e.requester(), nil
		}
		return e.person(c.Beneficiary), nil
	case "id":
		return starlark.String(e.in.Request.ID), nil
	case "name":
		return starlark.String("request"), nil
	case "target":
		return starlark.String(c.Target), nil
	case "scope":
		return starlark.String(c.Scope), nil
	case "duration":
		return starlark.MakeInt64(int64(c.Duration / time.Second)), nil
	case "reason":
		return starlark.String(c.Reason.Raw()), nil
	case "incident":
		return incidentRef(c.Incident), nil
	case "fields":
		return ev.allFields()
	case "vars":
		return ev.vars()
	case "flow":
		return ev.flowRecord()
	case "payload":
		fields, err := ev.allFields()
		if err != nil {
			return nil, err
		}
		return newRecord("payload", "fields", fields, "user", e.requester(), "timestamp", starlark.MakeInt64(e.in.Request.SubmittedAt.Unix())), nil
	}
	return nil, nil
}

func (ev *event) flowRecord() (starlark.Value, error) {
	if ev.flow == nil {
		vars, err := ev.vars()
		if err != nil {
			return nil, err
		}
		f := ev.e.in.Flow
		ev.flow = newRecord("flow", "name", starlark.String(f.ID), "label", starlark.String(f.Label),
			"environment", newRecord("environment", "name", starlark.String(f.Environment)), "vars", vars)
	}
	return ev.flow, nil
}

// vars are the flow's variables, typed as in the configuration.
func (ev *event) vars() (starlark.Value, error) {
	if ev.varsOf != nil {
		return ev.varsOf, nil
	}
	d := starlark.NewDict(len(ev.e.in.Flow.Vars))
	for _, k := range keys(ev.e.in.Flow.Vars) {
		v, err := value(ev.e.in.Flow.Vars[k])
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", k, err)
		}
		if err := d.SetKey(starlark.String(k), v); err != nil {
			return nil, err
		}
	}
	d.Freeze()
	ev.varsOf = d
	return d, nil
}

func value(v any) (starlark.Value, error) {
	switch v := v.(type) {
	case string:
		return starlark.String(v), nil
	case int64:
		return starlark.MakeInt64(v), nil
	case int:
		return starlark.MakeInt(v), nil
	case bool:
		return starlark.Bool(v), nil
	case []string:
		out := make([]starlark.Value, len(v))
		for i, s := range v {
			out[i] = starlark.String(s)
		}
		return starlark.NewList(out), nil
	}
	return nil, fmt.Errorf("a value of type %T has no form in a handler", v)
}

// allFields are the answers to the flow's prompt fields, typed, and beside them what
// every request has, under the names that Sym gave it.
func (ev *event) allFields() (starlark.Value, error) {
	if ev.fields != nil {
		return ev.fields, nil
	}
	e, c := ev.e, &ev.e.in.Request.Content
	d := starlark.NewDict(len(c.Fields) + 3)
	set := func(k string, v starlark.Value) error { return d.SetKey(starlark.String(k), v) }
	for k, v := range map[string]starlark.Value{
		"reason":    starlark.String(c.Reason.Raw()),
		"duration":  starlark.MakeInt64(int64(c.Duration / time.Second)),
		"target_id": starlark.String(c.Target),
	} {
		if err := set(k, v); err != nil {
			return nil, err
		}
	}
	kinds := map[string]flows.FieldType{}
	for _, f := range e.in.Flow.Fields {
		kinds[f.Name] = f.Type
		if err := set(f.Name, starlark.None); err != nil { // asked, and left empty
			return nil, err
		}
	}
	for _, f := range c.Fields {
		v, err := e.field(kinds[f.Name], f.Value.Raw())
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if err := set(f.Name, v); err != nil {
			return nil, err
		}
	}
	d.Freeze()
	ev.fields = d
	return d, nil
}

// field turns the text of an answer into a value of the field's type; empty is None.
func (e *evaluation) field(kind flows.FieldType, s string) (starlark.Value, error) {
	if s == "" && kind != flows.FieldString && kind != "" {
		return starlark.None, nil
	}
	switch kind {
	case flows.FieldInt:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the answer is not a whole number")
		}
		return starlark.MakeInt64(n), nil
	case flows.FieldBool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return nil, fmt.Errorf("the answer is neither true nor false")
		}
		return starlark.Bool(b), nil
	case flows.FieldDuration:
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, fmt.Errorf("the answer is not a duration")
		}
		return starlark.MakeInt64(int64(d / time.Second)), nil
	case flows.FieldUser:
		return e.person(e.slackPerson(s)), nil
	case flows.FieldUsers:
		var out []starlark.Value
		for _, id := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
			out = append(out, e.person(e.slackPerson(id)))
		}
		return starlark.NewList(out), nil
	}
	return starlark.String(s), nil
}

// slackPerson is a Slack user id as a person of the requester's team.
func (e *evaluation) slackPerson(id string) flows.PersonID {
	if strings.Contains(id, "/") {
		return flows.PersonID(id)
	}
	return flows.Person(e.in.Request.Content.Requester.Team(), id)
}

func incidentRef(r flows.IncidentRef) starlark.Value {
	if r.ID == "" {
		return starlark.None
	}
	return newRecord("incident", "id", starlark.String(r.ID), "number", starlark.MakeInt(r.Number),
		"title", starlark.String(r.Title.Raw()), "url", starlark.String(r.URL))
}

// record is a value with fixed attributes.
type record struct {
	kind   string
	names  []string
	values []starlark.Value
}

// newRecord takes names and values in turn.
func newRecord(kind string, pairs ...any) *record {
	r := &record{kind: kind}
	for i := 0; i < len(pairs); i += 2 {
		r.names = append(r.names, pairs[i].(string))
		r.values = append(r.values, pairs[i+1].(starlark.Value)) //nolint:gosec // names and values come in twos
	}
	return r
}

func (r *record) String() string        { return "<" + r.kind + ">" }
func (r *record) Type() string          { return r.kind }
func (r *record) Freeze()               {}
func (r *record) Truth() starlark.Bool  { return true }
func (r *record) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: %s", r.kind) }

// AttrNames implements starlark.HasAttrs.
func (r *record) AttrNames() []string { return r.names }

// Attr implements starlark.HasAttrs.
func (r *record) Attr(name string) (starlark.Value, error) {
	for i, n := range r.names {
		if n == name {
			return r.values[i], nil
		}
	}
	return nil, nil
}
