package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"breakglass/flows"
	"breakglass/store"
)

func (c *cli) requestShow() *cobra.Command {
	var s settings
	var output, server string
	cmd := &cobra.Command{
		Use: "show REQUEST", Short: "Show a request and everything recorded about it", Args: oneArg,
		Long: "Shows a request and, of a database, its audit entries in order. REQUEST is the whole id, or the end of it as\ncards and listings show it." + lookHere,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			if r, err := c.over(s, server); r != nil || err != nil {
				if err != nil {
					return err
				}
				return c.showOver(cmd.Context(), r, args[0], output)
			}
			st, called, err := c.openRead(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer st.Close()
			id, err := find(cmd.Context(), st, args[0])
			if err != nil {
				return err
			}
			rec, err := st.Load(cmd.Context(), id)
			switch {
			case errors.Is(err, flows.ErrNotFound):
				return hint(fmt.Errorf("there is no request %s", id), "breakglass request list")
			case err != nil:
				return err
			}
			entries, err := st.Entries(cmd.Context(), string(id))
			if err != nil {
				return err
			}
			if output == "json" {
				return (&printer{w: c.out}).json(documentOf(&rec.Request, entries))
			}
			return printRequest(c.out, &rec.Request, entries, called)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&server, "server", "", "`URL` of a server, to ask its API")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORM`: text or json")
	return cmd
}

// find finds a request by its id, or by how that ends.
func find(ctx context.Context, st *store.Store, name string) (flows.RequestID, error) {
	if strings.HasPrefix(name, "req_") {
		return flows.RequestID(name), nil
	}
	short := strings.ToUpper(name)
	var before flows.RequestID
	var found []flows.RequestID
	for {
		page, err := st.Requests(ctx, flows.RequestFilter{Before: before, Limit: 500})
		if err != nil {
			return "", err
		}
		for _, r := range page {
			if strings.HasSuffix(string(r.ID), short) {
				found = append(found, r.ID)
			}
			before = r.ID
		}
		if len(page) < 500 {
			break
		}
	}
	switch len(found) {
	case 0:
		return "", hint(fmt.Errorf("no request ends in %s", short), "breakglass request list")
	case 1:
		return found[0], nil
	}
	return "", hint(fmt.Errorf("%d requests end in %s", len(found), short), "write more of the id: %s is the newest", found[0])
}

// printRequest shows a request for people: what was asked, then what happened.
func printRequest(w io.Writer, r *flows.Request, entries []flows.Sealed, called names) error {
	p := &printer{w: w}
	c := r.Content
	p.line("%s  %s", r.ID, state(rowOf(r)))
	p.pair("asked by", asked(rowOf(r), called)+" at "+stamp(r.SubmittedAt))
	p.pair("target", fmt.Sprintf("%s for %s, flow %s", c.Target, flows.Span(c.Duration), c.Flow))
	p.pair("reason", terminal(c.Reason))
	for _, f := range c.Fields {
		if !f.Value.Empty() {
			p.pair(f.Name, terminal(f.Value))
		}
	}
	if c.Incident.ID != "" {
		p.pair("incident", fmt.Sprintf("#%d %s (%s)", c.Incident.Number, terminal(c.Incident.Title), r.Incident()))
	} else if r.Incident() == "" {
		p.pair("incident", "none")
	}
	if r.Route != nil {
		p.pair("route", called.plainWords(r.Route.Why))
	}
	if r.DecidedBy != "" {
		p.pair("decided by", decided(rowOf(r), called)+" at "+stamp(r.DecidedAt))
	}
	if !r.DenyWhy.Empty() {
		p.pair("why not", terminal(r.DenyWhy))
	}
	if !r.EndsAt.IsZero() {
		p.pair(ending(r))
	}
	if v := r.Review; r.ReviewIs() == flows.ReviewClosed {
		p.pair("review", strings.TrimSpace(r.ReviewWord()+" by "+called.of(v.By)+" at "+stamp(v.At)+" "+terminal(v.Note)))
	} else if r.ReviewIs() == flows.ReviewOpen {
		p.pair("review", r.ReviewWord()+", due "+stamp(v.DueAt))
	}
	if r.Fault != "" {
		p.pair("fault", called.plainWords(r.Fault))
	}
	p.line("")
	for _, e := range entries {
		p.line("  %3d  %s  %-17s  %.16s", e.Seq, stamp(e.At), e.Verb, e.Hash)
	}
	return p.err
}

// ending says when access ends or ended, and why.
func ending(r *flows.Request) (name, value string) {
	causes := map[flows.EndCause]string{
		flows.EndTime: "its time was up", flows.EndDone: "done with it", flows.EndRevoked: "revoked", flows.EndIncident: "the incident was resolved",
		flows.EndShift: "the shift ended", flows.EndPerson: "the person is gone", flows.EndTarget: "the target was removed",
		flows.EndCancel: "cancelled", flows.EndFailed: "it was never given",
	}
	name, at := "ends", r.EndsAt
	if r.State.Final() && !r.EndedAt.IsZero() {
		name, at = "ended", r.EndedAt
	}
	if why := causes[r.EndCause]; why != "" {
		return name, stamp(at) + ", " + why
	}
	return name, stamp(at)
}

// document is a request as JSON shows it: the row of a listing, and all the rest.
type document struct {
	requestRow
	Reason     string            `json:"reason"`
	Fields     map[string]string `json:"fields,omitempty"`
	Route      *routeRow         `json:"route,omitempty"`
	Votes      []voteRow         `json:"votes"`
	Self       bool              `json:"self_approved"`
	DenyWhy    string            `json:"denied_because,omitempty"`
	Granted    time.Time         `json:"granted_at,omitzero"`
	Ended      time.Time         `json:"ended_at,omitzero"`
	EndedBy    flows.PersonID    `json:"ended_by,omitempty"`
	Fault      string            `json:"fault,omitempty"`
	Hash       string            `json:"content_hash"`
	Entries    []entryRow        `json:"entries"`
	EndOfChain string            `json:"end_of_chain"`
}

type routeRow struct {
	Why     string            `json:"why"`
	Origin  flows.RouteOrigin `json:"origin"`
	Tainted bool              `json:"tainted"`
	Stages  []stageRow        `json:"stages"`
}

type stageRow struct {
	Approvers []flows.PersonID `json:"approvers"`
	Channel   string           `json:"channel,omitempty"`
	Quorum    int              `json:"quorum"`
	Self      bool             `json:"self,omitempty"`
	Fallback  bool             `json:"fallback,omitempty"`
	Why       string           `json:"why"`
	Seconds   int64            `json:"timeout_seconds"`

	timeout time.Duration
}

type voteRow struct {
	By flows.PersonID `json:"by"`
	At time.Time      `json:"at"`
}

// entryRow is an audit entry; Bytes is exactly what is hashed, so it stays text.
type entryRow struct {
	Seq   int64     `json:"seq"`
	At    time.Time `json:"at"`
	Verb  string    `json:"verb"`
	Hash  string    `json:"hash"`
	Bytes string    `json:"bytes"`
}

func documentOf(r *flows.Request, entries []flows.Sealed) document {
	d := document{
		requestRow: rowOf(r), Reason: r.Content.Reason.Raw(), Votes: []voteRow{}, Self: r.SelfMade, DenyWhy: r.DenyWhy.Raw(), Granted: r.GrantedAt,
		Ended: r.EndedAt, EndedBy: r.EndedBy, Fault: r.Fault, Hash: r.Hash, Entries: []entryRow{}, EndOfChain: r.Chain.Hash,
	}
	for _, f := range r.Content.Fields {
		if d.Fields == nil {
			d.Fields = map[string]string{}
		}
		d.Fields[f.Name] = f.Value.Raw()
	}
	for _, v := range r.Votes {
		d.Votes = append(d.Votes, voteRow{v.By, v.At})
	}
	if r.Route != nil {
		d.Route = routeRowOf(r.Route)
	}
	for _, e := range entries {
		d.Entries = append(d.Entries, entryRow{e.Seq, e.At, e.Verb, e.Hash, string(e.Bytes)})
	}
	return d
}

func routeRowOf(r *flows.Route) *routeRow {
	out := &routeRow{Why: r.Why, Origin: r.Origin, Tainted: r.Tainted}
	for _, s := range r.Stages {
		out.Stages = append(out.Stages, stageRow{
			Approvers: s.Approvers, Channel: s.Destination.Channel, Quorum: s.Quorum, Self: s.Self, Fallback: s.Fallback, Why: s.Why,
			Seconds: int64(s.Timeout / time.Second), timeout: s.Timeout,
		})
	}
	return out
}
