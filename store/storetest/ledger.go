package storetest

import (
	"time"

	"breakglass/flows"
)

func ledgerCases() []contractCase {
	return []contractCase{
		{"Load/NotFound", func(f *fixture) {
			_, err := f.s.Load(f.ctx, "req_none")
			f.is(err, flows.ErrNotFound)
		}},
		{"Load/WhatWasApplied", loadWhatWasApplied},
		{"Load/EveryField", loadEveryField},
		{"Load/AfterReopen", loadAfterReopen},
		{"Apply/Conflict/Version", conflictVersion},
		{"Apply/Conflict/Unknown", func(f *fixture) {
			c := f.step(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
			c.Request.Version = 2
			f.refused(c, flows.ErrConflict)
		}},
		{"Apply/Conflict/NewTwice", func(f *fixture) {
			r := asks("req_1", "T/UDANA", "db")
			f.walk(r, flows.StateSubmitted)
			f.refused(f.step(r, flows.StateSubmitted), flows.ErrConflict)
		}},
		{"Apply/Duplicate", duplicate},
		{"Apply/StateNeedsEntry", stateNeedsEntry},
		{"Apply/LiveNeedsRevokeJob", liveNeedsRevokeJob},
		{"Apply/RevokeJobStays", revokeJobStays},
		{"Apply/LifecycleHolds", lifecycleHolds},
		{"Apply/AllOrNothing", allOrNothing},
		{"Counts", counts},
		{"PastDue", pastDue},
	}
}

func loadWhatWasApplied(f *fixture) {
	r := asks("req_1", "T/UDANA", "db")
	c := f.step(r, flows.StateSubmitted)
	c.Holding = &flows.Holding{
		Key: r.Content.Key(), Version: 1, Before: flows.Yes,
		Holders: []flows.Holder{{Request: "req_0", Until: noon.Add(time.Minute)}},
	}
	c.Cards = []flows.Card{
		{ID: "req_1/approver/T/UMARA", Request: "req_1", Kind: flows.CardApprover, To: "T/UMARA", Token: "aa"},
		{ID: "req_1/fyi/#prod", Request: "req_1", Kind: flows.CardFYI, Channel: "#prod", TS: "171.5", Version: 1, PostedAt: noon},
	}
	f.apply(c)
	f.same(flows.Record{Request: *c.Request, Holding: *c.Holding, Cards: c.Cards}, f.load("req_1"))
	other := f.walk(asks("req_2", "T/USAM", "db"), flows.StateSubmitted)
	f.same(flows.Record{Request: other, Holding: flows.Holding{Key: other.Content.Key()}}, f.load("req_2"))
}

func loadAfterReopen(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted, flows.StatePending)
	before := f.everything()
	f.reopen()
	f.same(before, f.everything())
	f.walk(r, flows.StateDenied)
}

func conflictVersion(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	first, second := f.step(r, flows.StatePending), f.step(r, flows.StateDenied)
	f.apply(first)
	f.refused(second, flows.ErrConflict)
	ahead := f.step(*first.Request, flows.StateApproved)
	ahead.Request.Version++
	f.refused(ahead, flows.ErrConflict)
}

func duplicate(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	f.refused(f.step(asks("req_2", "T/UDANA", "db"), flows.StateSubmitted), flows.ErrDuplicate)

	scoped := asks("req_3", "T/UDANA", "db")
	scoped.Content.Scope = "read"
	f.walk(scoped, flows.StateSubmitted)
	f.walk(asks("req_4", "T/UDANA", "console"), flows.StateSubmitted)
	behalf := asks("req_5", "T/UDANA", "db")
	behalf.Content.Beneficiary = "T/USAM"
	f.walk(behalf, flows.StateSubmitted)
	f.refused(f.step(asks("req_6", "T/USAM", "db"), flows.StateSubmitted), flows.ErrDuplicate)

	f.walk(r, flows.StatePending, flows.StateApproved)
	f.walk(asks("req_7", "T/UDANA", "db"), flows.StateSubmitted) // granted ones may overlap
}

func stateNeedsEntry(f *fixture) {
	c := f.step(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	bare := c
	r := *c.Request
	r.Chain = flows.ChainHead{}
	bare.Request, bare.Entries = &r, nil
	f.refused(bare, nil)
	f.apply(c)

	next := f.step(*c.Request, flows.StatePending)
	r = *next.Request
	r.Chain = c.Request.Chain
	f.refused(flows.Change{Request: &r}, nil)
	r.State = flows.StateSubmitted // no step: what stays in its state needs no entry
	f.apply(flows.Change{Request: &r})
}

func liveNeedsRevokeJob(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), pathTo(flows.StateApproved)...)
	c := f.step(r, flows.StateGranting)
	revoke := c.Jobs
	c.Jobs = nil
	f.refused(c, nil)
	c.Jobs = []flows.Job{job(flows.JobRevoke, "req_other", noon)}
	f.refused(c, nil)
	c.Jobs = revoke
	f.apply(c)
}

func revokeJobStays(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), pathTo(flows.StateActive)...)
	key := flows.JobKey(flows.JobRevoke, "req_1")
	f.refused(flows.Change{Cancel: []string{key}}, nil)
	claimed := f.claimOne("a", noon.Add(2*time.Hour))
	f.refused(flows.Change{Done: &claimed}, nil)

	c := f.step(r, flows.StateEnding)
	c.Jobs, c.Done = nil, &claimed
	f.refused(c, nil)
	c.Jobs = []flows.Job{job(flows.JobRevoke, "req_1", noon)} // done and written again
	f.apply(c)
	f.walk(*c.Request, flows.StateEnded)
}

func lifecycleHolds(f *fixture) {
	n := 0
	for _, from := range flows.States() {
		for _, to := range flows.States() {
			n++
			id := flows.RequestID("req_" + string(from) + "_" + string(to))
			r := f.walk(asks(id, flows.PersonID("T/"+string(id)), "db"), pathTo(from)...)
			c := f.step(r, to)
			if from == to || mayStep(from, to) {
				f.apply(c)
			} else {
				f.refusedQuickly(c)
			}
		}
	}
	if n != len(flows.States())*len(flows.States()) {
		f.Errorf("%d pairs of states were tried", n)
	}
	for _, first := range flows.States() {
		if first != flows.StateSubmitted {
			f.refusedQuickly(f.step(asks("req_new_"+flows.RequestID(first), "T/UNEW", "db"), first))
		}
	}
}

// refusedQuickly is refused without the picture of everything.
func (f *fixture) refusedQuickly(c flows.Change) {
	f.Helper()
	if _, err := f.s.Apply(f.ctx, c); err == nil {
		f.Errorf("a step to %s was applied that the life cycle does not have", c.Request.State)
	}
}

// allOrNothing spoils one part of a change that has every part, each part in turn.
func allOrNothing(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	f.apply(flows.Change{
		Holding: &flows.Holding{Key: r.Content.Key(), Version: 1},
		Cards:   []flows.Card{{ID: "c1", Request: "req_1", Token: "aa"}},
		Jobs:    []flows.Job{leasedTo("a", job(flows.JobRoute, "req_1", noon)), job(flows.JobLapse, "req_1", noon.Add(time.Hour))},
	})
	if _, _, err := f.s.Accept(f.ctx, flows.InboxRow{Key: "k", Kind: "x", At: noon}, job(flows.JobInbox, "k", noon)); err != nil {
		f.Fatal(err)
	}
	whole := func() flows.Change {
		c := f.step(r, flows.StatePending)
		c.Holding = &flows.Holding{Key: r.Content.Key(), Version: 2}
		c.Cards = []flows.Card{{ID: "c2", Request: "req_1", Token: "bb"}}
		c.Jobs = []flows.Job{job(flows.JobRemind, "req_1", noon)}
		c.Cancel = []string{flows.JobKey(flows.JobLapse, "req_1")}
		c.Done = &flows.Job{ID: 1, Kind: flows.JobRoute, Key: "route:req_1", Rev: 1, Lease: 1, LeasedTo: "a"}
		c.Inbox = "k"
		return c
	}
	for _, spoil := range []struct {
		what string
		want error
		how  func(*flows.Change)
	}{
		{"request", flows.ErrConflict, func(c *flows.Change) { c.Request.Version = 7 }},
		{"holding", flows.ErrConflict, func(c *flows.Change) { c.Holding.Version = 1 }},
		{"holding ahead", flows.ErrConflict, func(c *flows.Change) { c.Holding.Version = 3 }},
		{"bytes", nil, func(c *flows.Change) { c.Entries[0].Bytes = []byte(`{"forged":true}`) }},
		{"card", nil, func(c *flows.Change) { c.Cards[0].Token = "aa" }},
		{"arguments", nil, func(c *flows.Change) { c.Jobs[0].Args = []byte("{") }},
		{"lease", flows.ErrLeaseLost, func(c *flows.Change) { c.Done.Lease = 2 }},
		{"inbox", flows.ErrLeaseLost, func(c *flows.Change) { c.Inbox = "other" }},
	} {
		f.Log(spoil.what)
		c := whole()
		spoil.how(&c)
		if _, isModel := f.s.(*Model); isModel && spoil.what == "arguments" {
			continue // the model does not read arguments
		}
		f.refused(c, spoil.want)
	}
	f.apply(whole())
}

func counts(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	late := asks("req_2", "T/UDANA", "console")
	late.SubmittedAt = noon.Add(time.Hour)
	f.walk(late, flows.StateSubmitted, flows.StateDenied)
	undecided := func(key flows.HoldingKey, want flows.RequestID) {
		f.Helper()
		got, err := f.s.UndecidedFor(f.ctx, key)
		if err != nil || got != want {
			f.Errorf("undecided: %q, %v, want %q", got, err, want)
		}
	}
	number := func(what string, got int, err error, want int) {
		f.Helper()
		if err != nil || got != want {
			f.Errorf("%s: %d, %v, want %d", what, got, err, want)
		}
	}
	undecided(r.Content.Key(), "req_1")
	undecided(late.Content.Key(), "")
	undecided(flows.HoldingKey{Person: "T/UDANA", Target: "db", Scope: "x"}, "")
	n, err := f.s.Asked(f.ctx, "T/UDANA", noon)
	number("asked since noon", n, err, 2)
	n, err = f.s.Asked(f.ctx, "T/UDANA", noon.Add(time.Millisecond))
	number("asked after noon", n, err, 1)
	n, err = f.s.Asked(f.ctx, "T/USAM", noon)
	number("asked by another", n, err, 0)
	n, err = f.s.Open(f.ctx, "T/UDANA", "prod")
	number("open", n, err, 1)
	n, err = f.s.Open(f.ctx, "T/UDANA", "other")
	number("open in another flow", n, err, 0)
	for since, want := range map[time.Duration]int{0: 1, time.Millisecond: 0} {
		denied, err := f.s.RecentDenials(f.ctx, late.Content.Key(), noon.Add(since))
		number("denied", len(denied), err, want)
	}
	denied, err := f.s.RecentDenials(f.ctx, r.Content.Key(), noon)
	number("denied of what was not", len(denied), err, 0)
}

func pastDue(f *fixture) {
	list := func(now time.Time, limit int, want ...flows.RequestID) {
		f.Helper()
		got, err := f.s.PastDue(f.ctx, now, limit)
		if err != nil {
			f.Fatal(err)
		}
		f.same(want, got)
	}
	first := asks("req_2", "T/UDANA", "db") // lapses at noon + 2 h
	f.walk(first, flows.StateSubmitted)
	second := asks("req_1", "T/USAM", "db")
	second.LapsesAt = noon.Add(3 * time.Hour)
	second = f.walk(second, flows.StateSubmitted)
	list(noon.Add(2*time.Hour-time.Millisecond), 10)
	list(noon.Add(2*time.Hour), 10, "req_2")
	list(noon.Add(3*time.Hour), 10, "req_2", "req_1")
	list(noon.Add(3*time.Hour), 1, "req_2")
	for _, kind := range []flows.JobKind{flows.JobLapse, flows.JobGiveUp, flows.JobRevoke} {
		f.write(job(kind, "req_2", noon))
		list(noon.Add(3*time.Hour), 10, "req_1")
		f.apply(flows.Change{Cancel: []string{flows.JobKey(kind, "req_2")}})
	}
	f.write(job(flows.JobRemind, "req_2", noon))
	f.walk(second, flows.StateDenied)
	list(noon.Add(30*time.Hour), 10, "req_2")
}
