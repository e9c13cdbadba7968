package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"breakglass/bot/web"
	"breakglass/flows"
)

// lookHere says what a reading command reads: the database of an installation that was
// named or lies in this directory, or else a server, over its API.
const lookHere = "\nReads the database, beside a running server too. With --server, or where there is no breakglass.hcl and no --db,\n" +
	"it asks the server's API, as who ran breakglass login here or whose token is in BREAKGLASS_TOKEN."

// over reports whether a reading command goes over the API, and comes in there.
func (c *cli) over(s settings, server string) (*remote, error) {
	if server != "" {
		return c.remote(server)
	}
	if s.db != "" {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(s.dir, "breakglass.hcl")); err == nil || !c.mayCome() {
		return nil, nil
	}
	return c.remote(c.anyServer())
}

// listOver lists requests over the API.
func (c *cli) listOver(ctx context.Context, r *remote, f *filter, output string) error {
	if f.person != "" {
		return misused("--person reads the database; over the API write --which all, or ask with breakglass audit list")
	}
	if f.limit > 200 {
		return misused("--limit %d: over the API at most 200", f.limit)
	}
	ask := url.Values{"limit": {strconv.Itoa(f.limit)}}
	for name, v := range map[string]string{"which": f.which, "incident": f.incident, "state": strings.Join(f.states, ",")} {
		if v != "" {
			ask.Set(name, v)
		}
	}
	if f.within > 0 {
		ask.Set("since", now().Add(-f.within).UTC().Format(time.RFC3339))
	}
	all, err := r.requests(ctx, ask)
	if err != nil {
		return err
	}
	rows, called := make([]requestRow, 0, len(all)), names{also: map[flows.PersonID]string{}}
	for i := range all {
		rows = append(rows, called.row(&all[i]))
	}
	return c.rows(output, rows, called)
}

// requests asks for a list.
func (r *remote) requests(ctx context.Context, ask url.Values) ([]web.Request, error) {
	var got struct {
		Requests []web.Request `json:"requests"`
	}
	err := r.call(ctx, http.MethodGet, "/v1/requests?"+ask.Encode(), nil, &got)
	return got.Requests, err
}

// row is a request of the API as a row of a listing. The server has named the people:
// their names stand where ids stand else.
func (n names) row(r *web.Request) requestRow {
	out := requestRow{
		ID: r.ID, State: r.State, Flow: r.Flow, Target: r.Target, Requester: n.named(r.Requester), Beneficiary: n.named(r.Beneficiary), For: r.Duration,
		Submitted: r.Submitted, DecidedBy: n.named(r.DecidedBy), Decided: at(r.DecidedAt), Ends: at(r.EndsAt), Cause: r.EndCause, Overdue: r.Overdue,
	}
	if v := r.Review; v != nil {
		out.Review = (&flows.Request{Review: &flows.Review{State: v.State, Overdue: v.Overdue, Verdict: v.Verdict}}).ReviewWord()
	}
	for _, v := range r.Votes {
		if r.DecidedAt != nil && r.State != flows.StateDenied {
			out.Approvers = append(out.Approvers, n.named(v.By))
		}
	}
	if r.Incident != nil {
		out.Incident, out.Number = r.Incident.ID, r.Incident.Number
	}
	return out
}

func (n names) named(name string) flows.PersonID {
	n.also[flows.PersonID(name)] = name
	return flows.PersonID(name)
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// showOver shows a request as the API shows it.
func (c *cli) showOver(ctx context.Context, r *remote, name, output string) error {
	id, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	var req web.Request
	if err := r.call(ctx, http.MethodGet, "/v1/requests/"+url.PathEscape(id), nil, &req); err != nil {
		return err
	}
	if output == "json" {
		return (&printer{w: c.out}).json(&req)
	}
	return printOver(c.out, &req)
}

// find finds a request by its id, or by how that ends, among those the caller may list.
func (r *remote) find(ctx context.Context, name string) (string, error) {
	if strings.HasPrefix(name, "req_") {
		return name, nil
	}
	short, found := strings.ToUpper(name), map[flows.RequestID]bool{}
	for _, which := range []string{"waiting", "mine", "reviews", "all"} {
		all, err := r.requests(ctx, url.Values{"which": {which}, "limit": {"200"}})
		if err != nil && which == "all" {
			break // who sees only their own has been asked already
		}
		if err != nil {
			return "", err
		}
		for i := range all {
			if strings.HasSuffix(string(all[i].ID), short) {
				found[all[i].ID] = true
			}
		}
	}
	if len(found) != 1 {
		return "", hint(fmt.Errorf("%d of the newest requests that you see end in %s", len(found), short), "write the whole id; breakglass request list -o json has it")
	}
	for id := range found {
		return string(id), nil
	}
	return "", nil
}

// printOver shows a request of the API for people.
func printOver(w io.Writer, r *web.Request) error {
	p, called := &printer{w: w}, names{also: map[flows.PersonID]string{}}
	row := called.row(r)
	p.line("%s  %s", r.ID, state(row))
	p.pair("asked by", asked(row, called)+" at "+stamp(r.Submitted))
	p.pair("target", fmt.Sprintf("%s for %s, flow %s", r.Target, r.Duration, r.Flow))
	p.pair("reason", terminal(flows.NewText(r.Reason)))
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		if r.Fields[name] != "" {
			p.pair(name, terminal(flows.NewText(r.Fields[name])))
		}
	}
	if r.Incident != nil {
		p.pair("incident", fmt.Sprintf("#%d %s (%s)", r.Incident.Number, terminal(flows.NewText(r.Incident.Title)), r.Incident.ID))
	} else if r.NoIncident {
		p.pair("incident", "none")
	}
	if r.Route != nil {
		p.pair("route", terminal(flows.NewText(r.Route.Why)))
		if stages := r.Route.Stages; r.State == flows.StatePending && r.Route.Stage < len(stages) {
			p.pair("waits for", strings.Join(stages[r.Route.Stage].Approvers, ", "))
		}
	}
	for _, v := range r.Votes {
		p.pair("approval", fmt.Sprintf("%s at %s, %s", v.By, stamp(v.At), v.Door))
	}
	if r.DecidedBy != "" {
		p.pair("decided by", decided(row, called)+" at "+stamp(at(r.DecidedAt)))
	}
	if r.DenyWhy != "" {
		p.pair("why not", terminal(flows.NewText(r.DenyWhy)))
	}
	if r.EndsAt != nil {
		p.pair(ending(&flows.Request{State: r.State, EndsAt: at(r.EndsAt), EndedAt: at(r.EndedAt), EndCause: r.EndCause}))
	}
	return p.err
}
