package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// sumColumns are the totals of flows, each of which has a column of its own, in the order
// in which SumsBetween reads them.
var sumColumns = [...]struct {
	name flows.TotalName
	of   func(*postgresdb.AddSumsParams) *int64
}{
	{flows.TotalAsked, func(p *postgresdb.AddSumsParams) *int64 { return &p.Asked }},
	{flows.TotalApproved, func(p *postgresdb.AddSumsParams) *int64 { return &p.Approved }},
	{flows.TotalSelf, func(p *postgresdb.AddSumsParams) *int64 { return &p.SelfApproved }},
	{"waited_1m", func(p *postgresdb.AddSumsParams) *int64 { return &p.Waited1m }},
	{"waited_5m", func(p *postgresdb.AddSumsParams) *int64 { return &p.Waited5m }},
	{"waited_15m", func(p *postgresdb.AddSumsParams) *int64 { return &p.Waited15m }},
	{"waited_1h", func(p *postgresdb.AddSumsParams) *int64 { return &p.Waited1h }},
	{"waited_4h", func(p *postgresdb.AddSumsParams) *int64 { return &p.Waited4h }},
	{"waited_longer", func(p *postgresdb.AddSumsParams) *int64 { return &p.WaitedLonger }},
	{flows.TotalBegan, func(p *postgresdb.AddSumsParams) *int64 { return &p.Began }},
	{flows.TotalOver, func(p *postgresdb.AddSumsParams) *int64 { return &p.Over }},
	{flows.TotalName(flows.StateDenied), func(p *postgresdb.AddSumsParams) *int64 { return &p.Denied }},
	{flows.TotalName(flows.StateLapsed), func(p *postgresdb.AddSumsParams) *int64 { return &p.Lapsed }},
	{flows.TotalName(flows.StateCancelled), func(p *postgresdb.AddSumsParams) *int64 { return &p.Cancelled }},
	{flows.TotalName(flows.StateEnded), func(p *postgresdb.AddSumsParams) *int64 { return &p.Ended }},
	{flows.TotalName(flows.StateFailed), func(p *postgresdb.AddSumsParams) *int64 { return &p.Failed }},
}

// sumNames are the names of the columns.
func sumNames() (names []string) {
	for _, c := range sumColumns {
		names = append(names, string(c.name))
	}
	return names
}

// Of what a total can be a part, as part_sums has it.
const (
	kindTarget = "target"
	kindTeam   = "team"
)

// partTotals are what n and over count in a row of a kind.
func partTotals(kind string) (n, over flows.TotalName) {
	if kind == kindTeam {
		return flows.TotalSelf, ""
	}
	return flows.TotalBegan, flows.TotalOver
}

// count adds the step to the running totals. It is the last thing a transaction does, the
// totals of the flow first and then those of parts, so that nobody waits for a total while
// holding another that somebody else needs first.
func (p *change) count(ctx context.Context, q queries) error {
	r := p.Request
	if r == nil || r.Version > 1 && p.was.State == p.request.State {
		return nil
	}
	names := r.CountsAs()
	if len(names) == 0 {
		return nil
	}
	sums, parts, err := p.counted(names)
	if err == nil {
		err = q.AddSums(ctx, sums)
	}
	for _, part := range parts {
		if err == nil {
			err = q.AddPart(ctx, part)
		}
	}
	if err != nil {
		return fmt.Errorf("count the step of %s: %w", r.ID, err)
	}
	return nil
}

// counted are the rows that get one more.
func (p *change) counted(names []flows.TotalName) (sums postgresdb.AddSumsParams, parts []postgresdb.AddPartParams, err error) {
	day, shard := p.day(), int64(0)
	if p.shards > 1 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(p.request.ID)) // never fails
		shard = int64(h.Sum32() % uint32(p.shards))
	}
	sums = postgresdb.AddSumsParams{Day: day, Flow: p.request.Flow, Shard: shard}
	for _, name := range names {
		whole, of := name.Part()
		if whole == name {
			if err := addSum(&sums, name, 1); err != nil {
				return sums, nil, err
			}
			continue
		}
		part := postgresdb.AddPartParams{Day: day, Month: monthOf(day), Kind: kindTarget, Part: of, Flow: p.request.Flow, Shard: shard}
		switch whole {
		case flows.TotalBegan:
			part.N = 1
		case flows.TotalOver:
			part.Over = 1
		case flows.TotalSelf:
			part.Kind, part.N = kindTeam, 1
		default:
			return sums, nil, fmt.Errorf("nothing is kept of parts of the total %q", whole)
		}
		parts = append(parts, part)
	}
	return sums, parts, nil
}

// day is when the step was made, as its entry says: that is what totals are held to.
func (p *change) day() int64 {
	at := p.now
	if n := len(p.Entries); n > 0 {
		at = millis(p.Entries[n-1].At)
	}
	return dayOfMillis(at)
}

// addSum adds to a total of a flow.
func addSum(sums *postgresdb.AddSumsParams, name flows.TotalName, n int64) error {
	for i := range sumColumns {
		if sumColumns[i].name == name {
			*sumColumns[i].of(sums) += n
			return nil
		}
	}
	return fmt.Errorf("the total %q has no column", name)
}

const dayMillis = int64(24 * time.Hour / time.Millisecond)

// dayOf is a day as the tables count them.
func dayOf(t time.Time) int64 { return dayOfMillis(t.UnixMilli()) }

func dayOfMillis(at int64) int64 { return at / dayMillis }

// dayAt is where a day begins.
func dayAt(day int64) time.Time { return time.UnixMilli(day * dayMillis).UTC() }

// monthOf is the first day of a day's month.
func monthOf(day int64) int64 {
	t := dayAt(day)
	return dayOf(time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC))
}

// nextMonth is the first day of the month after that of a day.
func nextMonth(day int64) int64 {
	t := dayAt(day)
	return dayOf(time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC))
}

// running is totals in memory: what many decisions add to the tables.
type running struct {
	sums  map[sumKey]*postgresdb.AddSumsParams
	parts map[partKey]*partSum
}

type sumKey struct {
	day  int64
	flow string
}

type partKey struct {
	span             string
	since            int64
	kind, part, flow string
}

// partSum is a row of part_sums.
type partSum struct {
	partKey
	n, over int64
}

func newRunning() running {
	return running{map[sumKey]*postgresdb.AddSumsParams{}, map[partKey]*partSum{}}
}

// sum adds to the totals of a flow.
func (t running) sum(p *postgresdb.AddSumsParams) {
	key := sumKey{p.Day, p.Flow}
	s := t.sums[key]
	if s == nil {
		s = &postgresdb.AddSumsParams{Day: p.Day, Flow: p.Flow}
		t.sums[key] = s
	}
	for i := range sumColumns {
		*sumColumns[i].of(s) += *sumColumns[i].of(p)
	}
}

// part adds to the totals of a part, of the day and of the month.
func (t running) part(p *postgresdb.AddPartParams) {
	t.more(partKey{spanDay, p.Day, p.Kind, p.Part, p.Flow}, p.N, p.Over)
	t.more(partKey{spanMonth, p.Month, p.Kind, p.Part, p.Flow}, p.N, p.Over)
}

func (t running) more(key partKey, n, over int64) {
	s := t.parts[key]
	if s == nil {
		s = &partSum{partKey: key}
		t.parts[key] = s
	}
	s.n, s.over = s.n+n, s.over+over
}

// add adds all that another one has.
func (t running) add(o running) {
	for _, s := range o.sums {
		t.sum(s)
	}
	for key, s := range o.parts {
		t.more(key, s.n, s.over)
	}
}

// rows are what it comes to.
func (t running) rows() (sums []postgresdb.AddSumsParams, parts []partSum) {
	for _, s := range t.sums {
		sums = append(sums, *s)
	}
	for _, s := range t.parts {
		parts = append(parts, *s)
	}
	return sums, parts
}
