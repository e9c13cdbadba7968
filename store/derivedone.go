package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// traced adds where the rows that one request is found by are not what it says, or what
// its entries say has passed. An incident too many is found by HoldLists, along its list.
func traced(ctx context.Context, q queries, found []Contradiction, r *flows.Request, told []flows.Told) ([]Contradiction, error) {
	want := tracesOf(r)
	have, err := haveTraces(ctx, q, r, want)
	if err != nil || misfit(want, have) == "" {
		return found, err
	}
	past := flows.BygoneOf(told)
	want = withPast(want, r, past)
	if have, err = haveTraces(ctx, q, r, want); err != nil {
		return found, err
	}
	erased, err := openingsGone(ctx, q, r.ID, told)
	if err != nil {
		return found, err
	}
	if erased {
		have = unerased(want, have, r, past)
	}
	if why := misfit(want, have); why != "" {
		found = append(found, Contradiction{Request: r.ID, Why: why, Lists: true})
	}
	return found, nil
}

// haveTraces reads the rows of a request; of the incidents, those that are wanted.
func haveTraces(ctx context.Context, q queries, r *flows.Request, want []trace) ([]trace, error) {
	rows, err := q.TracesOf(ctx, string(r.ID))
	if err != nil {
		return nil, err
	}
	have := make([]trace, 0, len(rows))
	for _, row := range rows {
		have = append(have, trace{list: list(row.List), key: row.Name, n: row.N, at: row.SubmittedAt, by: row.ByPerson, text: row.Text})
	}
	for i := range want {
		t := &want[i]
		if t.list != incidents || find(have, t) >= 0 {
			continue
		}
		n, err := q.IncidentNumber(ctx, postgresdb.IncidentNumberParams{Incident: t.key, SubmittedAt: t.at, Request: string(r.ID)})
		if err == nil {
			have = append(have, trace{list: incidents, key: t.key, n: n, at: t.at})
		} else if !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	return have, nil
}

// withPast is what is wanted of a request with what its entries tell has passed: approvals
// that were dropped again, incidents on the way to the one it is for now.
func withPast(want []trace, r *flows.Request, past flows.Bygone) []trace {
	at := millis(r.SubmittedAt)
	want = slices.Clone(want)
	for _, p := range past.Approvers {
		t := trace{list: people, key: string(p), n: int64(flows.PartApprover), at: at}
		if i := find(want, &t); i >= 0 {
			want[i].n |= t.n
		} else {
			want = append(want, t)
		}
	}
	for _, id := range past.Incidents {
		if t := (trace{list: incidents, key: string(id), at: at}); find(want, &t) < 0 {
			want = append(want, t)
		}
	}
	return want
}

// unerased is what there is, as it would be had nobody been erased: their approvals that
// were dropped again stay under the made-up id, and the words of others that named them, or
// were about what they asked for, may not be those that the request has any more.
func unerased(want, have []trace, r *flows.Request, past flows.Bygone) []trace {
	own := erasedID(string(r.Content.Requester)) || erasedID(string(r.Content.Beneficiary))
	approvals := past.Erased
	out := make([]trace, 0, len(have))
	for i := range have {
		t := have[i]
		at := find(want, &t)
		switch {
		case t.list == people && erasedID(t.key) && approvals > 0 && at < 0 && t.n == int64(flows.PartApprover):
			approvals--
			continue
		case t.list == people && erasedID(t.key) && approvals > 0 && at >= 0 && t.n == want[at].n|int64(flows.PartApprover):
			approvals--
			t.n = want[at].n
		case t.list == words && at < 0 && own:
			continue
		case t.list == words && at >= 0 && (strings.Contains(t.text, "erased/") || strings.Contains(want[at].text, "erased/")):
			t.text = want[at].text
		}
		out = append(out, t)
	}
	return out
}
