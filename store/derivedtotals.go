package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
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

// total names a running total. There are many, of few flows and names.
type total struct {
	day        int32
	flow, name int32 // their places among the words
}

// counting is what a total comes to.
type counting struct {
	requests    int64 // by their entries
	least, most int64 // as it was kept before the requests were read, and after
	near        near
}

// near is how many of the requests are so near to midnight that another day may count them.
type near struct{ early, late int64 }

// Near midnight: a step was counted when it was written, a little after it was made, by an
// earlier version of the program. A clock may have been set back in between.
const (
	lateWithin  = 10 * time.Minute
	earlyWithin = time.Minute
)

// counts are what some requests add up to.
type counts struct {
	*wordList
	sums map[total]*counting
	last [256]struct { // totals that were asked for: those of a day are, over and over
		total
		*counting
	}
}

func newCounts(words *wordList) *counts {
	return &counts{wordList: words, sums: map[total]*counting{}}
}

func (c *counts) clear() { *c = counts{wordList: c.wordList, sums: c.sums}; clear(c.sums) }

// of is what a total comes to so far.
func (c *counts) of(t total) *counting {
	last := &c.last[uint32(t.day*31+t.flow*7+t.name)%uint32(len(c.last))]
	if last.total != t || last.counting == nil {
		last.total, last.counting = t, c.sum(t)
	}
	return last.counting
}

func (c *counts) sum(t total) *counting {
	sum := c.sums[t]
	if sum == nil {
		sum = &counting{}
		c.sums[t] = sum
	}
	return sum
}

// uncount forgets what requests came to, and not what totals were.
func (c *counts) uncount() {
	for _, n := range c.sums {
		n.requests, n.near = 0, near{}
	}
}

// wordList keeps each word once.
type wordList struct {
	at  map[string]int32
	all []string
}

// word is the place of a word, which is copied where it is new: it may be a part of a document.
func (l *wordList) word(w string) int32 {
	at, known := l.at[w]
	if !known {
		at, w = int32(len(l.all)), strings.Clone(w)
		l.at[w], l.all = at, append(l.all, w)
	}
	return at
}

// count adds what a request comes to by its entries.
func (c *counts) count(flow flows.FlowID, told *flows.Telling) {
	const day = 24 * time.Hour
	in := c.word(string(flow))
	told.Counted(func(at time.Time, names []flows.TotalName) {
		since := time.Duration(at.UnixMilli()) * time.Millisecond % day
		for _, name := range names {
			sum := c.of(total{int32(dayOfMillis(at.UnixMilli())), in, c.word(string(name))})
			switch sum.requests++; {
			case since < earlyWithin:
				sum.near.early++
			case since >= day-lateWithin:
				sum.near.late++
			}
		}
	})
}

// addAll adds what other requests come to.
func (c *counts) addAll(others *counts) {
	for t, n := range others.sums {
		c.of(t).add(n)
	}
}

func (n *counting) add(m *counting) {
	n.requests, n.least, n.most = n.requests+m.requests, n.least+m.least, n.most+m.most
	n.near.early, n.near.late = n.near.early+m.near.early, n.near.late+m.near.late
}

// totalsAtOnce is of how many days totals are read at once.
const totalsAtOnce = 31

// aeon is more days than there will be.
const aeon = 1 << 30

// kept adds the totals as they are kept, those of some days after the other.
func (c *counts) kept(ctx context.Context, s *Store, as func(n int64) counting) error {
	now := millis(s.now())
	first, err := s.tx.direct().OldestRequest(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		first, err = now, nil
	}
	if err != nil {
		return err
	}
	for from := int64(-aeon); from < aeon; {
		to := from + totalsAtOnce - 1
		switch day := dayOfMillis(first); {
		case from < day:
			to = day - 1
		case from > dayOfMillis(now):
			to = aeon
		}
		all, err := s.Totals(ctx, dayAt(from), dayAt(to))
		if err != nil {
			return err
		}
		for _, t := range all {
			n := as(t.N)
			c.of(total{int32(dayOfMillis(t.Day.UnixMilli())), c.word(string(t.Flow)), c.word(string(t.Name))}).add(&n)
		}
		from = to + 1
	}
	return nil
}

// misfits tells of the first day on which a total of a flow is not what requests come to,
// the first day first.
func (c *counts) misfits(each func(what string)) {
	all := make([]total, 0, len(c.sums))
	for t := range c.sums {
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
	slices.SortFunc(wrong, func(a, b total) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(c.all[a.flow], c.all[b.flow]), cmp.Compare(c.all[a.name], c.all[b.name]))
	})
	for _, t := range wrong {
		flow, name, table := c.all[t.flow], flows.TotalName(c.all[t.name]), "sums"
		if _, part := name.Part(); part != "" {
			table = "part_sums"
		}
		each(fmt.Sprintf("the totals of %s in flow %s (table %s): %q is %d, and requests come to %d. Charts of that day are not what happened; somebody has written past the program. "+
			"The entries stand: put the rows of the table back from a backup", dayAt(int64(t.day)).Format(time.DateOnly), flow, table, name, c.sums[t].most, c.sums[t].requests))
	}
}

// firstWrong is the first of the days of a total that does not fit; -1: none. Days are held
// up to each of them: what is counted a day late is then made up for.
func (c *counts) firstWrong(days []total) int {
	var upTo counting
	for i, t := range days {
		n, early := c.sums[t], int64(0)
		upTo.add(n)
		next := t
		next.day++
		if tomorrow := c.sums[next]; tomorrow != nil {
			early = tomorrow.near.early
		}
		if upTo.least > upTo.requests+early || upTo.requests-n.near.late > upTo.most {
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
