package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// Totals are the running totals of the days from and to, both included, with those of
// parts, by day, flow and name.
func (s *Store) Totals(ctx context.Context, from, to time.Time) (out []flows.Total, err error) {
	first, last := dayOf(from), dayOf(to)
	err = s.sums(ctx, func(l *sumReader) error {
		out = nil
		add := func(day int64, flow string, name flows.TotalName, n int64) {
			if n != 0 {
				out = append(out, flows.Total{Day: dayAt(day), Flow: flows.FlowID(flow), Name: name, N: n})
			}
		}
		if err := l.flows(ctx, first, last, add); err != nil {
			return err
		}
		return l.parts(ctx, span{spanDay, first, last, 1}, func(p *partSum) {
			n, over := partTotals(p.kind)
			add(p.since, p.flow, n.Of(p.part), p.n)
			add(p.since, p.flow, over.Of(p.part), p.over)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the totals: %w", err)
	}
	slices.SortFunc(out, func(a, b flows.Total) int {
		return cmp.Or(a.Day.Compare(b.Day), strings.Compare(string(a.Flow), string(b.Flow)), strings.Compare(string(a.Name), string(b.Name)))
	})
	kept := out[:0]
	for _, t := range out { // shards come one after the other
		if i := len(kept) - 1; i >= 0 && kept[i].Day.Equal(t.Day) && kept[i].Flow == t.Flow && kept[i].Name == t.Name {
			kept[i].N += t.N
			continue
		}
		kept = append(kept, t)
	}
	return kept, nil
}

// Sums are the totals of the days from and to, both included, in a flow, or in all of them
// if it is empty. Whole months of parts are not read by day.
func (s *Store) Sums(ctx context.Context, from, to time.Time, flow flows.FlowID) (out flows.Sums, err error) {
	first, last := dayOf(from), dayOf(to)
	err = s.sums(ctx, func(l *sumReader) error {
		l.flow, out = string(flow), flows.Sums{}
		err := l.flows(ctx, first, last, func(day int64, in string, name flows.TotalName, n int64) {
			out.Days = append(out.Days, flows.Total{Day: dayAt(day), Flow: flows.FlowID(in), Name: name, N: n})
		})
		if err != nil {
			return err
		}
		out.Parts, err = l.inAll(ctx, first, last)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("read the totals: %w", err)
	}
	return out, nil
}

// TargetDays are how often access to some targets began and was over on the days from and
// to, both included, in a flow, or in all of them if it is empty.
func (s *Store) TargetDays(ctx context.Context, from, to time.Time, flow flows.FlowID, targets []flows.TargetID) (out []flows.TargetDay, err error) {
	var days []int64
	for d := dayOf(from); d <= dayOf(to); d++ {
		days = append(days, d)
	}
	if len(days) == 0 || len(targets) == 0 {
		return nil, nil
	}
	asked, err := json.Marshal(days)
	if err != nil {
		return nil, err
	}
	parts, err := json.Marshal(slices.Sorted(slices.Values(targets))) // one is found beside the other
	if err != nil {
		return nil, err
	}
	err = s.sums(ctx, func(l *sumReader) error {
		l.flow, out = string(flow), nil
		return l.days(ctx, postgresdb.PartDaysParams{Days: string(asked), Parts: string(parts)}, func(p *partSum) {
			day, target := dayAt(p.since), flows.TargetID(p.part)
			if i := len(out) - 1; i >= 0 && out[i].Target == target && out[i].Day.Equal(day) { // of another flow
				out[i].Began, out[i].Over = out[i].Began+p.n, out[i].Over+p.over
				return
			}
			out = append(out, flows.TargetDay{Target: target, Day: day, Began: p.n, Over: p.over})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the totals of targets by day: %w", err)
	}
	return out, nil
}

// sums has totals read on one state of the database.
func (s *Store) sums(ctx context.Context, read func(*sumReader) error) error {
	return s.raw.raw(ctx, func(_ context.Context, ask asker) error {
		return read(&sumReader{ask: ask, compiled: s.raw.compiled, words: map[string]string{}})
	})
}

// sumReader reads totals, past what makes values of each column: there may be many.
type sumReader struct {
	ask      asker
	compiled func(*note) queries
	flow     string            // empty: all
	words    map[string]string // each is made once
}

// rows asks what a compiled query asks.
func (l *sumReader) rows(ctx context.Context, asks func(queries) error, each func(rawRow) error) error {
	n := &note{}
	if err := asks(l.compiled(n)); !errors.Is(err, errNoted) {
		return errors.Join(errors.New("a question about totals asks nothing"), err)
	}
	return l.ask(ctx, n.question, n.args, each)
}

func (l *sumReader) word(b []byte) string {
	w, is := l.words[string(b)]
	if !is {
		w = string(b)
		l.words[w] = w
	}
	return w
}

// flows reads the totals of flows by day, those that are not zero.
func (l *sumReader) flows(ctx context.Context, first, last int64, each func(day int64, flow string, name flows.TotalName, n int64)) error {
	return l.rows(ctx, func(q queries) error {
		_, err := q.SumsBetween(ctx, postgresdb.SumsBetweenParams{FromDay: first, ToDay: last})
		return err
	}, func(r rawRow) error {
		day, flow := r.int(0), l.word(r.bytes(1))
		if l.flow == "" || l.flow == flow {
			for i := range sumColumns {
				if n := r.int(int32(i + 2)); n != 0 {
					each(day, flow, sumColumns[i].name, n)
				}
			}
		}
		return nil
	})
}

// parts reads the totals of parts in a span. What each is given is good until it returns.
func (l *sumReader) parts(ctx context.Context, s span, each func(*partSum)) error {
	var p partSum
	return l.rows(ctx, func(q queries) error {
		_, err := q.PartsBetween(ctx, postgresdb.PartsBetweenParams{Span: s.of, SinceFirst: s.first, SinceLast: s.last})
		return err
	}, func(r rawRow) error {
		p.flow = l.word(r.bytes(3))
		if l.flow == "" || l.flow == p.flow {
			p.kind, p.part, p.since, p.n, p.over = l.word(r.bytes(0)), l.word(r.bytes(1)), r.int(2), r.int(4), r.int(5)
			each(&p)
		}
		return nil
	})
}

// inAll are the totals of parts in all the days.
func (l *sumReader) inAll(ctx context.Context, first, last int64) (out []flows.Total, err error) {
	sums := map[partKey]*partSum{}
	for _, span := range spansOf(first, last) {
		err := l.parts(ctx, span, func(p *partSum) {
			of := partKey{kind: p.kind, part: p.part}
			sum := sums[of]
			if sum == nil {
				sum = &partSum{}
				sums[of] = sum
			}
			sum.n, sum.over = sum.n+span.sign*p.n, sum.over+span.sign*p.over
		})
		if err != nil {
			return nil, err
		}
	}
	for of, sum := range sums {
		n, over := partTotals(of.kind)
		for _, t := range [...]flows.Total{{Name: n.Of(of.part), N: sum.n}, {Name: over.Of(of.part), N: sum.over}} {
			if t.N != 0 {
				t.Flow = flows.FlowID(l.flow)
				out = append(out, t)
			}
		}
	}
	slices.SortFunc(out, func(a, b flows.Total) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return out, nil
}

// days reads the totals of some targets by day, those of a target on a day one after the
// other.
func (l *sumReader) days(ctx context.Context, asked postgresdb.PartDaysParams, each func(*partSum)) error {
	var p partSum
	return l.rows(ctx, func(q queries) error {
		_, err := q.PartDays(ctx, asked)
		return err
	}, func(r rawRow) error {
		p.flow = l.word(r.bytes(2))
		if l.flow == "" || l.flow == p.flow {
			p.part, p.since, p.n, p.over = l.word(r.bytes(0)), r.int(1), r.int(3), r.int(4)
			each(&p)
		}
		return nil
	})
}

// The spans of part_sums.
const (
	spanDay   = "day"
	spanMonth = "month"
)

// span is days or months, by their first days, both included.
type span struct {
	of          string
	first, last int64
	sign        int64 // -1: what it comes to is taken away
}

// spansOf are what the days from and to, both included, are the sum of: months, and the
// days that are left or, where these are fewer, those that are too many.
func spansOf(first, last int64) (all []span) {
	days := func(from, to, sign int64) {
		if from <= to {
			all = append(all, span{spanDay, from, to, sign})
		}
	}
	for from := first; from <= last; {
		month, next := monthOf(from), nextMonth(from)
		to := min(last, next-1)
		if 2*(to-from+1) <= next-month {
			days(from, to, 1)
		} else {
			if n := len(all); n > 0 && all[n-1].of == spanMonth {
				all[n-1].last = month
			} else {
				all = append(all, span{spanMonth, month, month, 1})
			}
			days(month, from-1, -1)
			days(to+1, next-1, -1)
		}
		from = next
	}
	return all
}
