package store

import (
	"bytes"
	"encoding/json"
	"fmt"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// requestRow is the request as its row, without doc: what is searched.
func requestRow(r *flows.Request) postgresdb.InsertRequestParams {
	c := r.Content
	return postgresdb.InsertRequestParams{
		ID: string(r.ID), Version: r.Version, State: string(r.State),
		Flow: string(c.Flow), Target: string(c.Target), Scope: string(c.Scope),
		Requester: string(c.Requester), Beneficiary: string(c.Beneficiary),
		Incident: string(r.Incident()), Hash: r.Hash,
		SubmittedAt: millis(r.SubmittedAt), DecidedAt: millis(r.DecidedAt), DueAt: dueMillis(r.Due()),
		Overdue: flag(r.Overdue),
	}
}

func swapRow(p postgresdb.InsertRequestParams) postgresdb.SwapRequestParams {
	return postgresdb.SwapRequestParams{
		Version: p.Version, State: p.State, Flow: p.Flow, Target: p.Target, Scope: p.Scope,
		Requester: p.Requester, Beneficiary: p.Beneficiary, Incident: p.Incident, Hash: p.Hash,
		SubmittedAt: p.SubmittedAt, DecidedAt: p.DecidedAt, DueAt: p.DueAt, Overdue: p.Overdue,
		Doc: p.Doc, ID: p.ID, OldVersion: p.Version - 1,
	}
}

func jobRow(j flows.Job) (postgresdb.UpsertJobParams, error) {
	args, err := compactArgs(j.Args)
	if err != nil {
		return postgresdb.UpsertJobParams{}, fmt.Errorf("job %s: its arguments are not JSON: %w", j.Key, err)
	}
	p := postgresdb.UpsertJobParams{
		Kind: string(j.Kind), Key: j.Key, Subject: j.Subject, Lane: j.Lane, RunAt: dueMillis(j.RunAt), Args: args,
	}
	if j.LeasedTo != "" {
		p.LeasedTo, p.LeaseUntil, p.Lease = j.LeasedTo, dueMillis(j.LeaseUntil), 1
	}
	return p, nil
}

func jobFrom(r postgresdb.Job) flows.Job {
	j := flows.Job{
		ID: r.ID, Kind: flows.JobKind(r.Kind), Key: r.Key, Subject: r.Subject, Lane: r.Lane,
		RunAt: fromMillis(r.RunAt), Attempts: int(r.Attempts), LastErr: r.LastErr, Rev: r.Rev,
		LeasedTo: r.LeasedTo, LeaseUntil: fromMillis(r.LeaseUntil), Lease: r.Lease,
	}
	if r.Args != "" {
		j.Args = json.RawMessage(r.Args)
	}
	return j
}

func cardRow(c flows.Card) postgresdb.UpsertCardParams {
	return postgresdb.UpsertCardParams{
		ID: c.ID, Request: string(c.Request), Kind: string(c.Kind), Person: string(c.To),
		Channel: c.Channel, Ts: c.TS, Token: c.Token, Next: c.Next, Version: c.Version,
		PostedAt: millis(c.PostedAt),
	}
}

func cardFrom(r postgresdb.Card) flows.Card {
	return flows.Card{
		ID: r.ID, Request: flows.RequestID(r.Request), Kind: flows.CardKind(r.Kind),
		To: flows.PersonID(r.Person), Channel: r.Channel, TS: r.Ts, Token: r.Token, Next: r.Next,
		Version: r.Version, PostedAt: fromMillis(r.PostedAt),
	}
}

func entryFrom(r postgresdb.Entry) flows.Sealed {
	return flows.Sealed{
		Chain: r.Chain, Seq: r.Seq, At: fromMillis(r.At), Verb: r.Verb, Prev: prevOf(r.Prev, []byte(r.Bytes)),
		Bytes: []byte(r.Bytes), Hash: r.Hash,
	}
}

// prevOf is the hash of the entry before. PostgreSQL keeps it in the bytes only, and leaves
// the column empty. The bytes are canonical: behind it stand seq, to, v and verb, and a
// quotation mark within a value is escaped.
func prevOf(column string, entry []byte) string {
	if column != "" {
		return column
	}
	const before = `,"prev":"`
	i := bytes.LastIndex(entry, []byte(before))
	if i < 0 {
		return ""
	}
	said, _, _ := bytes.Cut(entry[i+len(before):], []byte(`"`))
	return string(said)
}
