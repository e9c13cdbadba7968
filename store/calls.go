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
	request, counted := countedCalls(p.chain)
	if !counted {
		return nil
	}
	t := tally{request: request}
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.Verb != flows.VerbCallSent {
			continue
		}
		if err := t.add(e.Bytes, millis(e.At)); err != nil {
			return fmt.Errorf("read entry %d of chain %s: %w", e.Seq, e.Chain, err)
		}
	}
	for _, row := range t.sorted() {
		if err := q.AddCalls(ctx, row); err != nil {
			return fmt.Errorf("count the calls by %s: %w", request, err)
		}
	}
	return nil
}

// countedCalls is by which request the calls of a chain were made. Calls that need no grant
// are not counted.
func countedCalls(chain string) (request string, counted bool) {
	request, by := strings.CutPrefix(chain, flows.CallsChain(""))
	return request, by && !strings.Contains(request, "/")
}

// tally counts the calls by a request, by rule.
type tally struct {
	request string
	rows    []postgresdb.AddCallsParams
}

// add counts the call that an entry tells of.
func (t *tally) add(entry []byte, at int64) error {
	var body struct{ Facts struct{ Rule string } }
	if err := json.Unmarshal(entry, &body); err != nil {
		return err
	}
	n := slices.IndexFunc(t.rows, func(a postgresdb.AddCallsParams) bool { return a.Rule == body.Facts.Rule })
	if n < 0 {
		n = len(t.rows)
		t.rows = append(t.rows, postgresdb.AddCallsParams{Request: t.request, Rule: body.Facts.Rule, FirstAt: at, LastAt: at})
	}
	row := &t.rows[n]
	row.N++
	row.FirstAt, row.LastAt = min(row.FirstAt, at), max(row.LastAt, at)
	return nil
}

// sorted is what was counted, by rule.
func (t *tally) sorted() []postgresdb.AddCallsParams {
	slices.SortFunc(t.rows, func(a, b postgresdb.AddCallsParams) int { return cmp.Compare(a.Rule, b.Rule) })
	return t.rows
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
