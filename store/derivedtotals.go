package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
)

// Totals are held to what all requests add up to. They are read before the requests and
// after them: while others write, what requests come to lies between the two, and it is
// both where nobody has written.

// total names a running total.
type total struct {
	day  int64
	flow flows.FlowID
	name flows.TotalName
}

// counting is what a total comes to.
type counting struct {
	requests    int64 // by their entries
	early, late int64 // of these, so near to midnight that another day may count them
	least, most int64 // as it was kept before the requests were read, and after
}

// Near midnight: a step was counted when it was written, a little after it was made, by an
// earlier version of the program. A clock may have been set back in between.
const (
	lateWithin  = 10 * time.Minute
	earlyWithin = time.Minute
)

// counts are what some requests add up to.
type counts map[total]counting

// count adds what a request comes to by its entries.
func (c counts) count(flow flows.FlowID, told *flows.Telling) {
	const day = 24 * time.Hour
	told.Counted(func(at time.Time, names []flows.TotalName) {
		n := counting{requests: 1}
		switch since := time.Duration(at.UnixMilli()) * time.Millisecond % day; {
		case since < earlyWithin:
			n.early = 1
		case since >= day-lateWithin:
			n.late = 1
		}
		for _, name := range names {
			c.add(total{dayOfMillis(at.UnixMilli()), flow, name}, n)
		}
	})
}

// add adds to a total. A name that is new is copied: it may be a part of a document.
func (c counts) add(t total, n counting) {
	sum, known := c[t]
	if !known {
		t.flow, t.name = flows.FlowID(strings.Clone(string(t.flow))), flows.TotalName(strings.Clone(string(t.name)))
	}
	sum.requests, sum.early, sum.late = sum.requests+n.requests, sum.early+n.early, sum.late+n.late
	sum.least, sum.most = sum.least+n.least, sum.most+n.most
	c[t] = sum
}

// addAll adds what other requests come to.
func (c counts) addAll(others counts) {
	for t, n := range others {
		c.add(t, n)
	}
}

// kept adds the totals as they are kept.
func (c counts) kept(ctx context.Context, s *Store, as func(n int64) counting) error {
	all, err := s.Totals(ctx, time.Unix(-1<<40, 0), time.Unix(1<<40, 0))
	for _, t := range all {
		c.add(total{dayOfMillis(t.Day.UnixMilli()), t.Flow, t.Name}, as(t.N))
	}
	return err
}

// misfits tells of the first day on which a total of a flow is not what requests come to,
// the first day first.
func (c counts) misfits(each func(what string)) {
	all := make([]total, 0, len(c))
	for t := range c {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b total) int {
		return cmp.Or(cmp.Compare(a.flow, b.flow), cmp.Compare(a.name, b.name), cmp.Compare(a.day, b.day))
	})
	var wrong []total
	for len(all) > 0 {
		days := 1
		for days < len(all) && all[days].flow == all[0].flow && all[days].name == all[0].name {
			days++
		}
		if i := c.firstWrong(all[:days]); i >= 0 {
			wrong = append(wrong, all[i])
		}
		all = all[days:]
	}
	slices.SortStableFunc(wrong, func(a, b total) int { return cmp.Compare(a.day, b.day) })
	for _, t := range wrong {
		table := "sums"
		if _, part := t.name.Part(); part != "" {
			table = "part_sums"
		}
		each(fmt.Sprintf("the totals of %s in flow %s (table %s): %q is %d, and requests come to %d. Charts of that day are not what happened; somebody has written past the program. "+
			"The entries stand: put the rows of the table back from a backup", dayAt(t.day).Format(time.DateOnly), t.flow, table, t.name, c[t].most, c[t].requests))
	}
}

// firstWrong is the first of the days of a total that does not fit; -1: none. Days are held
// up to each of them: what is counted a day late is then made up for.
func (c counts) firstWrong(days []total) int {
	var upTo counting
	for i, t := range days {
		n := c[t]
		upTo.requests, upTo.least, upTo.most = upTo.requests+n.requests, upTo.least+n.least, upTo.most+n.most
		early := int64(0)
		if i+1 < len(days) && days[i+1].day == t.day+1 {
			early = c[days[i+1]].early
		}
		if upTo.least > upTo.requests+early || upTo.requests-n.late > upTo.most {
			return i
		}
	}
	return -1
}

// holdMonths holds what parts came to in each month to the days of it.
func (s *Store) holdMonths(ctx context.Context, each func(what string)) error {
	var apart map[partKey]partSum // days less months
	err := s.sums(ctx, func(l *sumReader) error {
		apart = map[partKey]partSum{}
		for _, span := range [...]span{{spanDay, math.MinInt64, math.MaxInt64, 1}, {spanMonth, math.MinInt64, math.MaxInt64, -1}} {
			err := l.parts(ctx, span, func(p *partSum) {
				key := partKey{since: p.since, kind: p.kind, part: p.part, flow: p.flow}
				if span.of == spanDay {
					key.since = monthOf(p.since)
				}
				apart[key] = partSum{n: apart[key].n + span.sign*p.n, over: apart[key].over + span.sign*p.over}
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var wrong []string
	for key, sum := range apart {
		n, over := partTotals(key.kind)
		for _, t := range [...]flows.Total{{Name: n.Of(key.part), N: sum.n}, {Name: over.Of(key.part), N: sum.over}} {
			if t.N != 0 {
				wrong = append(wrong, fmt.Sprintf("the totals of the month that begins on %s in flow %s (table part_sums): its days have %+d of %q more than it. Charts are not what happened; somebody has written past the program. "+
					"The entries stand: put the rows of the table back from a backup", dayAt(key.since).Format(time.DateOnly), key.flow, t.N, t.Name))
			}
		}
	}
	slices.Sort(wrong)
	for _, what := range wrong {
		each(what)
	}
	return nil
}
