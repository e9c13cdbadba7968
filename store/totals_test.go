package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/store"
)

// tallied is a request, and when the store took each of its steps.
type tallied struct {
	flows.Request
	asked, approved, began, over time.Time // over: in a final state
}

// steps are where a request may go. Nobody asks whether anyone may take them.
var tallySteps = map[flows.State][]flows.State{
	flows.StateSubmitted: {flows.StatePending, flows.StatePending, flows.StateDenied, flows.StateLapsed, flows.StateCancelled},
	flows.StatePending:   {flows.StatePending, flows.StateApproved, flows.StateApproved, flows.StateApproved, flows.StateDenied, flows.StateLapsed},
	flows.StateApproved:  {flows.StateGranting, flows.StateGranting, flows.StateLapsed},
	flows.StateGranting:  {flows.StateActive, flows.StateActive, flows.StateEnding},
	flows.StateActive:    {flows.StateActive, flows.StateEnding},
	flows.StateEnding:    {flows.StateEnded, flows.StateEnded, flows.StateFailed, flows.StateCancelled},
}

// tallyWriter takes requests through random lives, beside others.
type tallyWriter struct {
	s    *store.Store
	r    *rand.Rand
	name string
	all  []*tallied
}

// day asks for something and goes on with some of what is there.
func (w *tallyWriter) day(ctx context.Context, now time.Time) error {
	c := flows.Content{
		Flow: pick[flows.FlowID](w.r, "prod", "Prod", "data"), Target: pick[flows.TargetID](w.r, "db", "console", "a@b", "ß", "queue"), Requester: "T/U1", Beneficiary: "T/U1",
	}
	id := flows.RequestID(fmt.Sprintf("req_%s_%d", w.name, len(w.all)))
	c.Scope = flows.Scope(id)
	w.all = append(w.all, &tallied{Request: flows.Request{ID: id, Content: c, Hash: c.Hash(id), SubmittedAt: now}, asked: now})
	if err := w.step(ctx, w.all[len(w.all)-1], flows.StateSubmitted, now); err != nil {
		return err
	}
	for _, r := range w.all {
		for n := w.r.IntN(5); n > 0 && !r.State.Final(); n-- {
			if err := w.step(ctx, r, pick(w.r, tallySteps[r.State]...), now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *tallyWriter) step(ctx context.Context, r *tallied, to flows.State, now time.Time) error {
	switch {
	case to == flows.StateApproved:
		wait := pick(w.r, 30*time.Second, 5*time.Minute, 6*time.Minute, time.Hour, 2*time.Hour, 5*time.Hour)
		r.approved, r.DecidedAt, r.SelfMade = now, r.SubmittedAt.Add(wait), w.r.IntN(2) == 0
		if w.r.IntN(3) > 0 {
			r.Proof = &flows.OnCallProof{Entry: flows.OnCallEntry{PolicyName: pick(w.r, "payments", "sre@night")}}
		}
	case to == flows.StateActive && r.State != to:
		r.began, r.GrantedAt = now, now
	case to.Final():
		r.over = now
	}
	sealed, head, err := flows.Seal(string(r.ID), r.Chain, []flows.Entry{{Verb: "step", From: r.State, To: to, At: now}}, func([]byte) {})
	if err != nil {
		return err
	}
	next := r.Request
	next.State, next.Chain, next.Version = to, head, r.Version+1
	change := flows.Change{Request: &next, Entries: sealed}
	if to.Live() {
		change.Jobs = []flows.Job{{Kind: flows.JobRevoke, Key: "revoke:" + string(r.ID), Subject: string(r.ID), RunAt: now.Add(time.Hour)}}
	}
	if _, err = w.s.Apply(ctx, change); err == nil {
		r.Request = next
	}
	return err
}

// tallyKey is what is counted.
type tallyKey struct {
	day  time.Time
	flow flows.FlowID
	name flows.TotalName
}

// tally counts requests by looking at each.
func tally(all []*tallied) map[tallyKey]int64 {
	out := map[tallyKey]int64{}
	for _, r := range all {
		add := func(at time.Time, names ...flows.TotalName) {
			for _, name := range names {
				out[tallyKey{at.Truncate(24 * time.Hour), r.Content.Flow, name}]++
			}
		}
		target := "@" + flows.TotalName(r.Content.Target)
		add(r.asked, "asked")
		if !r.approved.IsZero() {
			add(r.approved, "approved", map[time.Duration]flows.TotalName{
				30 * time.Second: "waited_1m", 5 * time.Minute: "waited_5m", 6 * time.Minute: "waited_15m", time.Hour: "waited_1h", 2 * time.Hour: "waited_4h", 5 * time.Hour: "waited_longer",
			}[r.DecidedAt.Sub(r.SubmittedAt)])
		}
		switch {
		case r.approved.IsZero() || !r.SelfMade:
		case r.Proof == nil:
			add(r.approved, "self_approved", "self_approved@(no shift)")
		default:
			add(r.approved, "self_approved", "self_approved@"+flows.TotalName(r.Proof.Entry.PolicyName))
		}
		if !r.began.IsZero() {
			add(r.began, "began", "began"+target)
		}
		if !r.over.IsZero() {
			add(r.over, flows.TotalName(r.State))
		}
		if !r.over.IsZero() && !r.began.IsZero() {
			add(r.over, "over", "over"+target)
		}
	}
	return out
}

// TestTotals holds running totals to a count of all requests, after random lives in the
// course of two years, which several writers wrote at once.
func TestTotals(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		today := noon
		p.Now = func() time.Time { return today }
		s := mustOpen(t, p.Options)
		r := rand.New(rand.NewPCG(17, 2))
		var writers []*tallyWriter
		for i := range 8 {
			writers = append(writers, &tallyWriter{s: s, r: rand.New(rand.NewPCG(17, uint64(100+i))), name: string(rune('a' + i))})
		}
		for range 40 {
			var all sync.WaitGroup
			errs := make([]error, len(writers))
			for i, w := range writers {
				all.Go(func() { errs[i] = w.day(t.Context(), today) })
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			today = today.AddDate(0, 0, pick(r, 0, 1, 1, 5, 30, 60))
		}
		var all []*tallied
		for _, w := range writers {
			all = append(all, w.all...)
		}
		c := &counted{T: t, s: s, want: tally(all)}
		c.all(noon, today)
		for range 60 {
			from := noon.AddDate(0, 0, r.IntN(900)-40)
			to := from.AddDate(0, 0, pick(r, 0, 3, 13, 29, 89, 364, 700)+r.IntN(20))
			c.some(from, to, pick[flows.FlowID](r, "", "prod", "data", "none"), pick(r, []flows.TargetID{"db", "ß"}, []flows.TargetID{"a@b", "none"}, nil))
		}
	})
}

// counted holds a store's totals to what was counted.
type counted struct {
	*testing.T
	s    *store.Store
	want map[tallyKey]int64
}

// all holds each total of each day.
func (c *counted) all(from, to time.Time) {
	c.Helper()
	names := map[flows.TotalName]bool{}
	var want []flows.Total
	for k, n := range c.want {
		want = append(want, flows.Total{Day: k.day, Flow: k.flow, Name: k.name, N: n})
		names[k.name] = true
	}
	slices.SortFunc(want, func(a, b flows.Total) int {
		return strings.Compare(fmt.Sprint(a.Day.Unix(), "\x00", a.Flow, "\x00", a.Name), fmt.Sprint(b.Day.Unix(), "\x00", b.Flow, "\x00", b.Name))
	})
	got, err := c.s.Totals(c.Context(), from, to)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		c.Errorf("%v\n%s", err, d)
	}
	for _, name := range store.SumNames() {
		if !names[flows.TotalName(name)] {
			c.Errorf("nothing was %s: the lives are too much alike", name)
		}
	}
}

// some holds what charts are drawn from to the totals of its days.
func (c *counted) some(from, to time.Time, flow flows.FlowID, targets []flows.TargetID) {
	c.Helper()
	type targetDay struct {
		target flows.TargetID
		day    time.Time
	}
	wantDays, wantParts, wantTargets := map[tallyKey]int64{}, map[flows.TotalName]int64{}, map[targetDay]flows.TargetDay{}
	for k, n := range c.want {
		whole, part := k.name.Part()
		switch {
		case k.day.Before(from.Truncate(24*time.Hour)) || k.day.After(to) || flow != "" && k.flow != flow:
			continue
		case part == "":
			wantDays[k] = n
			continue
		}
		wantParts[k.name] += n
		if of := (targetDay{flows.TargetID(part), k.day}); whole != flows.TotalSelf && slices.Contains(targets, of.target) {
			day := wantTargets[of]
			day.Target, day.Day = of.target, of.day
			if whole == flows.TotalBegan {
				day.Began += n
			} else {
				day.Over += n
			}
			wantTargets[of] = day
		}
	}
	sums, err := c.s.Sums(c.Context(), from, to, flow)
	if err != nil {
		c.Fatal(err)
	}
	gotDays, gotParts := map[tallyKey]int64{}, map[flows.TotalName]int64{}
	for _, x := range sums.Days {
		gotDays[tallyKey{x.Day, x.Flow, x.Name}] += x.N
	}
	for _, x := range sums.Parts {
		if gotParts[x.Name] += x.N; x.Flow != flow {
			c.Errorf("a part of flow %q, asked for %q", x.Flow, flow)
		}
	}
	days, err := c.s.TargetDays(c.Context(), from, to, flow, targets)
	if err != nil {
		c.Fatal(err)
	}
	gotTargets := map[targetDay]flows.TargetDay{}
	for _, x := range days {
		day := gotTargets[targetDay{x.Target, x.Day}]
		x.Began, x.Over = x.Began+day.Began, x.Over+day.Over
		gotTargets[targetDay{x.Target, x.Day}] = x
	}
	if d := cmp.Diff(wantDays, gotDays, cmp.AllowUnexported(tallyKey{})) + cmp.Diff(wantParts, gotParts) + cmp.Diff(wantTargets, gotTargets, cmp.AllowUnexported(targetDay{})); d != "" {
		c.Errorf("%s to %s, %q:\n%s", from, to, flow, d)
	}
}

// TestNobodyWaitsForATotal: while one decision adds to totals, another that adds to the
// same ones goes by. Alone, it adds to the row that is there.
func TestNobodyWaitsForATotal(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		if p.driver == "sqlite" {
			t.Skip("one writer")
		}
		s := mustOpen(t, p.Options)
		w := &tallyWriter{s: s, r: rand.New(rand.NewPCG(1, 1)), name: "w"}
		begin := func(id flows.RequestID) *tallied {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := &tallied{Request: flows.Request{ID: id, SubmittedAt: noon, Content: flows.Content{Flow: "prod", Target: "db", Scope: flows.Scope(id), Requester: "T/U1", Beneficiary: "T/U1"}}}
			for _, to := range []flows.State{flows.StateSubmitted, flows.StatePending, flows.StateApproved, flows.StateGranting, flows.StateActive} {
				if err := w.step(ctx, r, to, noon); err != nil {
					t.Fatal(err)
				}
			}
			return r
		}
		rows := func(want int) {
			t.Helper()
			if sums, parts := len(dump(t, p.raw, "sums")), len(dump(t, p.raw, "(SELECT 1 FROM part_sums WHERE kind = 'target') p")); sums != want || parts != 2*want {
				t.Errorf("%d rows of sums and %d of parts, want %d and %d", sums, parts, want, 2*want)
			}
		}
		shardOf := func(id string) uint32 {
			h := fnv.New32a()
			_, _ = h.Write([]byte(id))
			return h.Sum32() % 8
		}
		for i := range 20 {
			begin(flows.RequestID(fmt.Sprintf("req_%d", i)))
		}
		rows(1)
		db, err := sql.Open(p.driver, p.raw)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, stmt := range []string{"UPDATE sums SET asked = asked + 1", "UPDATE part_sums SET n = n + 1"} { // as a decision does, up to its commit
			if _, err := tx.ExecContext(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
		other := ""
		for i := 0; other == "" || shardOf(other) == shardOf("req_0"); i++ {
			other = fmt.Sprintf("req_other_%d", i)
		}
		begin(flows.RequestID(other))
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		rows(2)
		begin("req_after")
		rows(2)
		got, err := s.Totals(t.Context(), noon, noon)
		if err != nil {
			t.Fatal(err)
		}
		sums := map[flows.TotalName]int64{}
		for _, x := range got {
			sums[x.Name] = x.N
		}
		if sums["asked"] != 23 || sums["began"] != 22 || sums["began@db"] != 23 {
			t.Errorf("22 requests, and one more of each by hand: %v", sums)
		}
	})
}

// unsummed takes a database back to before 00018_sums.sql and 00019_summed.sql.
func unsummed(driver string) []string {
	back := []string{"DROP TABLE sums", "DROP TABLE part_sums", "DROP TABLE followed", "DROP INDEX requests_bare", "DROP INDEX entries_granted", "DROP INDEX entries_revoked", "DELETE FROM goose_db_version WHERE version_id >= 18"}
	if driver == "sqlite" {
		return append(back, "CREATE TABLE totals (day INTEGER NOT NULL, flow TEXT NOT NULL, name TEXT NOT NULL, shard INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (day, flow, name, shard)) WITHOUT ROWID")
	}
	return append(back, "DROP TRIGGER totals_divert ON totals", "DROP FUNCTION divert_total")
}

// TestTotalsFromBefore: totals that the version before kept, and those that one of its
// replicas adds while others are of this version, are there as if this one had kept them.
func TestTotalsFromBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		if err := mustOpen(t, p.Options).Close(); err != nil {
			t.Fatal(err)
		}
		run(t, p.driver, p.raw, unsummed(p.driver)...)
		r := rand.New(rand.NewPCG(3, 3))
		c := &counted{T: t, want: map[tallyKey]int64{}}
		add := func() {
			names := []flows.TotalName{"began@db", "over@db", "began@ß", "over@a@b", "self_approved@sre@night", "self_approved@(no shift)", "over@it's_100%"}
			for _, name := range store.SumNames() {
				names = append(names, flows.TotalName(name))
			}
			var inserts []string
			for range 150 {
				k := tallyKey{noon.AddDate(0, 0, r.IntN(400)-200).Truncate(24 * time.Hour), pick[flows.FlowID](r, "prod", "Prod", "it's"), pick(r, names...)}
				n := int64(1 + r.IntN(3))
				c.want[k] += n
				inserts = append(inserts, fmt.Sprintf(`INSERT INTO totals (day, flow, name, shard, n) VALUES (%d, '%s', '%s', %d, %d)
					ON CONFLICT (day, flow, name, shard) DO UPDATE SET n = totals.n + excluded.n`,
					k.day.Unix()/86400, strings.ReplaceAll(string(k.flow), "'", "''"), strings.ReplaceAll(string(k.name), "'", "''"), r.IntN(8), n))
			}
			run(t, p.driver, p.raw, inserts...)
		}
		check := func() {
			c.all(noon.AddDate(0, 0, -200), noon.AddDate(0, 0, 200))
			for range 20 {
				from := noon.AddDate(0, 0, r.IntN(400)-200)
				c.some(from, from.AddDate(0, 0, r.IntN(200)), pick[flows.FlowID](r, "", "prod", "it's"), []flows.TargetID{"db", "a@b"})
			}
		}
		add()
		c.s = mustOpen(t, p.Options)
		check()
		if p.driver == "sqlite" {
			return
		}
		before := maps.Clone(c.want)
		add()
		check()
		if n := len(dump(t, p.raw, "totals")); n > 0 || maps.Equal(before, c.want) {
			t.Errorf("%d rows are left where the version before keeps its totals", n)
		}
	})
}
