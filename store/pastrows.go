package store

import "strings"

// table is how a kind of rows is written.
type table struct {
	name    string
	columns []string
	len     func(*rows) int
	row     func(r *rows, first int64, i int) []any
}

// tableNames are the names of the tables, as a list in a statement.
func tableNames() string {
	var names []string
	for _, t := range tables {
		names = append(names, "'"+t.name+"'")
	}
	return strings.Join(names, ", ")
}

// tables are in the order in which they are written: what is referred to comes first.
var tables = [...]table{
	{
		"requests", []string{
			"id", "version", "state", "flow", "target", "scope", "requester", "beneficiary", "incident", "hash", "submitted_at", "decided_at",
			"due_at", "overdue", "doc",
		},
		func(r *rows) int { return len(r.requests) },
		func(r *rows, _ int64, i int) []any {
			q := &r.requests[i]
			return []any{
				q.ID, q.Version, q.State, q.Flow, q.Target, q.Scope, q.Requester, q.Beneficiary, q.Incident, q.Hash, q.SubmittedAt, q.DecidedAt,
				q.DueAt, q.Overdue, q.Doc,
			}
		},
	},
	{
		"entries", []string{"id", "chain", "seq", "at", "verb", "prev", "hash", "bytes", "packed"},
		func(r *rows) int { return len(r.entries) },
		func(r *rows, first int64, i int) []any {
			e := &r.entries[i]
			return []any{first + int64(i), e.Chain, e.Seq, e.At, e.Verb, e.Prev, e.Hash, e.Bytes, e.Packed}
		},
	},
	{
		"chains", []string{"chain", "len", "hash"},
		func(r *rows) int { return len(r.heads) },
		func(r *rows, _ int64, i int) []any { return []any{r.heads[i].Chain, r.heads[i].Len, r.heads[i].Hash} },
	},
	{
		"leaves", []string{"idx", "entry"},
		func(r *rows) int { return len(r.entries) },
		func(_ *rows, first int64, i int) []any { return []any{first + int64(i) - 1, first + int64(i)} },
	},
	{
		"openings", []string{"entry", "path", "person", "salt", "value"},
		func(r *rows) int { return len(r.openings) },
		func(r *rows, first int64, i int) []any {
			o := &r.openings[i]
			return []any{first + o.Entry, o.Path, o.Person, o.Salt, o.Value}
		},
	},
	{
		"packed_openings", []string{"entry", "doc"},
		func(r *rows) int { return len(r.packed) },
		func(r *rows, first int64, i int) []any { return []any{first + r.packed[i].Entry, r.packed[i].Doc} },
	},
	{
		"request_people", []string{"request", "person", "roles", "submitted_at"},
		func(r *rows) int { return len(r.people) },
		func(r *rows, _ int64, i int) []any {
			p := &r.people[i]
			return []any{p.Request, p.Person, p.Roles, p.SubmittedAt}
		},
	},
	{
		"request_incidents", []string{"incident", "submitted_at", "request", "number"},
		func(r *rows) int { return len(r.incidents) },
		func(r *rows, _ int64, i int) []any {
			p := &r.incidents[i]
			return []any{p.Incident, p.SubmittedAt, p.Request, p.Number}
		},
	},
	{
		"request_words", []string{"request", "kind", "person", "text", "submitted_at"},
		func(r *rows) int { return len(r.words) },
		func(r *rows, _ int64, i int) []any {
			w := &r.words[i]
			return []any{w.Request, w.Kind, w.Person, w.Text, w.SubmittedAt}
		},
	},
	{
		"sums", append([]string{"day", "flow", "shard"}, sumNames()...),
		func(r *rows) int { return len(r.sums) },
		func(r *rows, _ int64, i int) []any {
			s := &r.sums[i]
			row := []any{s.Day, s.Flow, s.Shard}
			for _, c := range sumColumns {
				row = append(row, *c.of(s))
			}
			return row
		},
	},
	{
		"part_sums", []string{"span", "since", "kind", "part", "flow", "shard", "n", "over"},
		func(r *rows) int { return len(r.parts) },
		func(r *rows, _ int64, i int) []any {
			s := &r.parts[i]
			return []any{s.span, s.since, s.kind, s.part, s.flow, int64(0), s.n, s.over}
		},
	},
}
