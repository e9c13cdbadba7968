package handler

import (
	"fmt"

	"go.starlark.net/starlark"

	"breakglass/flows"
)

// incidentLimit is how many open incidents are read; more than these is not known.
const incidentLimit = 100

func incidentParams() []string {
	return []string{"assignees", "service_ids", "statuses", "urgencies", "since", "until"}
}

// incidentFilter is what a handler asks for, each empty for any.
type incidentFilter struct {
	assignees                     []*person
	services, statuses, urgencies []string
}

func (e *evaluation) incidentFilter(c *call) (f incidentFilter, err error) {
	for _, name := range []string{"since", "until"} {
		if v := c.arg(name); v != nil && v != starlark.None {
			return f, fmt.Errorf("%s: %s is not supported; all open incidents are read", c.fn.name, name)
		}
	}
	if list, ok := c.arg("assignees").(starlark.Iterable); ok {
		for x := range starlark.Elements(list) {
			p, err := e.identify(c.fn.name, x)
			if err != nil {
				return f, err
			}
			f.assignees = append(f.assignees, p)
		}
	}
	if f.services, err = c.strings("service_ids", nil); err != nil {
		return f, err
	}
	if f.statuses, err = c.strings("statuses", []string{"triggered", "acknowledged"}); err != nil {
		return f, err
	}
	for _, s := range f.statuses {
		if s != "triggered" && s != "acknowledged" {
			return f, fmt.Errorf("%s: statuses may be \"triggered\" and \"acknowledged\"; only open incidents are read", c.fn.name)
		}
	}
	f.urgencies, err = c.strings("urgencies", []string{"high"})
	return f, err
}

// strings is an argument that is a list of text; or is what it is when left out.
func (c *call) strings(name string, or []string) ([]string, error) {
	v := c.arg(name)
	if v == nil || v == starlark.None {
		return or, nil
	}
	list, ok := v.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("%s: %s is a list of text", c.fn.name, name)
	}
	var out []string
	for x := range starlark.Elements(list) {
		s, ok := starlark.AsString(x)
		if !ok {
			return nil, fmt.Errorf("%s: %s is a list of text", c.fn.name, name)
		}
		out = append(out, s)
	}
	return out, nil
}

func (f incidentFilter) args(e *evaluation) []flows.Arg {
	var args []flows.Arg
	if f.assignees != nil {
		people := []any{}
		for _, p := range f.assignees {
			people = append(people, flows.Personal{About: p.about(), Value: string(p.pd)})
		}
		args = append(args, flows.Arg{Name: "assignees", Value: people})
	}
	for _, list := range []struct {
		name string
		of   []string
	}{{"service_ids", f.services}, {"statuses", f.statuses}, {"urgencies", f.urgencies}} {
		if list.of == nil {
			continue
		}
		items := []any{}
		for _, s := range list.of {
			items = append(items, e.open(s))
		}
		args = append(args, flows.Arg{Name: list.name, Value: items})
	}
	return args
}

// incidents asks for the open incidents and keeps those that fit.
func (e *evaluation) incidents(c *call) (starlark.Tuple, error) {
	f, err := e.incidentFilter(c)
	if err != nil {
		return nil, err
	}
	if e.loading {
		return nil, fmt.Errorf("%s is asked within %s, not while the file is loaded", c.fn.name, entryPoint)
	}
	found, err := e.ask("pagerduty.get_incidents", f.args(e), func(host *flows.HostCall) (starlark.Value, error) {
		if e.opts.Incidents == nil {
			return nil, fmt.Errorf("PagerDutyError: no PagerDuty integration is configured here")
		}
		all, err := e.opts.Incidents.OpenIncidents(e.ctx, flows.IncidentQuery{Limit: incidentLimit})
		if err != nil {
			return nil, fmt.Errorf("PagerDutyError: PagerDuty could not list the open incidents: %w", err)
		}
		if len(all) >= incidentLimit {
			return nil, fmt.Errorf("PagerDutyError: there are %d or more open incidents; not all were read", incidentLimit)
		}
		var out starlark.Tuple
		answer := []any{}
		host.ReadAt, host.Result = e.in.Now, flows.No
		for _, in := range all {
			if f.fits(in) {
				out = append(out, incidentRecord(in))
				answer = append(answer, string(in.ID))
				host.ReadAt, host.Result = in.ReadAt, flows.Yes
			}
		}
		host.Answer = answer
		return out, nil
	})
	if err != nil {
		return nil, err
	}
	out, _ := found.(starlark.Tuple)
	return out, nil
}

func (f incidentFilter) fits(in flows.Incident) bool {
	if f.services != nil && !contains(f.services, in.ServiceID) ||
		!contains(f.statuses, string(in.Status)) || !contains(f.urgencies, in.Urgency) {
		return false
	}
	if f.assignees == nil {
		return true
	}
	for _, p := range f.assignees {
		for _, a := range in.Assignees {
			if p.pd != "" && a == p.pd {
				return true
			}
		}
	}
	return false
}

// incidentRecord keeps what the dict of an incident is made of.
func incidentRecord(in flows.Incident) *record {
	return newRecord("incident", "id", starlark.String(in.ID), "incident_number", starlark.MakeInt(in.Number),
		"title", starlark.String(in.Title.Raw()), "status", starlark.String(in.Status),
		"urgency", starlark.String(in.Urgency), "html_url", starlark.String(in.URL))
}

// getIncidents gives dicts in the shape of PagerDuty's API, new ones each time.
func getIncidents(e *evaluation, c *call) (starlark.Value, error) {
	found, err := e.incidents(c)
	if err != nil {
		return nil, err
	}
	out := make([]starlark.Value, 0, len(found))
	for _, v := range found {
		r := v.(*record)
		d := starlark.NewDict(len(r.names))
		if err := e.alloc(1000); err != nil {
			return nil, err
		}
		for i, n := range r.names {
			if err := d.SetKey(starlark.String(n), r.values[i]); err != nil {
				return nil, err
			}
		}
		out = append(out, d)
	}
	return starlark.NewList(out), nil
}

func hasIncident(e *evaluation, c *call) (starlark.Value, error) {
	found, err := e.incidents(c)
	if err != nil {
		return nil, err
	}
	return starlark.Bool(len(found) > 0), nil
}
