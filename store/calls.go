package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// calls counts the calls by a grant that the entries tell of, by rule.
func (p *change) calls(ctx context.Context, q queries) error {
	request, by := strings.CutPrefix(p.chain, flows.CallsChain(""))
	if !by || strings.Contains(request, "/") { // calls that need no grant are not counted
		return nil
	}
	var all []postgresdb.AddCallsParams
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.Verb != flows.VerbCallSent {
			continue
		}
		var body struct{ Facts struct{ Rule string } }
		if err := json.Unmarshal(e.Bytes, &body); err != nil {
			return fmt.Errorf("read entry %d of chain %s: %w", e.Seq, e.Chain, err)
		}
		at := millis(e.At)
		n := slices.IndexFunc(all, func(a postgresdb.AddCallsParams) bool { return a.Rule == body.Facts.Rule })
		if n < 0 {
			n = len(all)
			all = append(all, postgresdb.AddCallsParams{Request: request, Rule: body.Facts.Rule, FirstAt: at, LastAt: at})
		}
		all[n].N++
		all[n].FirstAt, all[n].LastAt = min(all[n].FirstAt, at), max(all[n].LastAt, at)
	}
	slices.SortFunc(all, func(a, b postgresdb.AddCallsParams) int { return cmp.Compare(a.Rule, b.Rule) })
	for _, a := range all {
		if err := q.AddCalls(ctx, a); err != nil {
			return fmt.Errorf("count the calls by %s: %w", request, err)
		}
	}
	return nil
}

// Calls are the calls by a grant, counted by rule, most first.
func (s *Store) Calls(ctx context.Context, id flows.RequestID) ([]flows.CallTotal, error) {
	rows, err := s.tx.direct().CallsOf(ctx, string(id))
	if err != nil {
		return nil, fmt.Errorf("read the calls by %s: %w", id, err)
	}
	return callTotals(rows), nil
}

// CallsFor are the calls by the grants of an incident, counted by grant and rule.
func (s *Store) CallsFor(ctx context.Context, id flows.IncidentID) ([]flows.CallTotal, error) {
	rows, err := s.tx.direct().CallsFor(ctx, string(id))
	if err != nil {
		return nil, fmt.Errorf("read the calls for incident %s: %w", id, err)
	}
	return callTotals(rows), nil
}

func callTotals(rows []postgresdb.Call) []flows.CallTotal {
	out := make([]flows.CallTotal, 0, len(rows))
	for _, r := range rows {
		out = append(out, flows.CallTotal{Request: flows.RequestID(r.Request), Rule: r.Rule, N: r.N, First: fromMillis(r.FirstAt), Last: fromMillis(r.LastAt)})
	}
	return out
}
