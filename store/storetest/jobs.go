package storetest

import (
	"encoding/json"
	"time"

	"breakglass/flows"
)

func jobCases() []contractCase {
	return []contractCase{
		{"Job/New", jobNew},
		{"Job/Upsert", jobUpsert},
		{"Job/Upsert/KeepsLease", jobUpsertKeepsLease},
		{"Job/NewLeased", jobNewLeased},
		{"Done/Deletes", doneDeletes},
		{"Done/RunsAgain", doneRunsAgain},
		{"Done/LostLease", doneLostLease},
		{"Done/AndWrittenAgain", doneAndWrittenAgain},
		{"Cancel", cancel},
		{"Retry", retry},
		{"Retry/WrittenMeanwhile", retryWrittenMeanwhile},
		{"Extend", extend},
		{"Job/Times", jobTimes},
	}
}

func jobNew(f *fixture) {
	j := flows.Job{
		Kind: flows.JobNotice, Key: "notice:1", Subject: "req_1", Lane: "lane", RunAt: noon, Args: json.RawMessage(`{"a":[1,"é"]}`),
		Attempts: 9, LastErr: "x", Rev: 9, Lease: 9, LeaseUntil: noon, // not the writer's to say
	}
	bare := job(flows.JobLapse, "req_1", noon.Add(time.Hour))
	stored := f.write(j, bare)
	if len(stored) != 2 || stored[0].ID == 0 || stored[0].ID == stored[1].ID {
		f.Fatalf("stored %+v", stored)
	}
	j.ID, j.Rev, j.Attempts, j.LastErr, j.Lease, j.LeaseUntil = stored[0].ID, 1, 0, "", 0, time.Time{}
	bare.ID, bare.Rev = stored[1].ID, 1
	f.same([]flows.Job{j, bare}, stored)
	j.LeasedTo, j.LeaseUntil, j.Lease = "a", noon.Add(15*time.Second), 1
	f.same([]flows.Job{j}, f.claim("a", noon, 10))
}

func jobUpsert(f *fixture) {
	first := f.write(job(flows.JobLapse, "req_1", noon))[0]
	claimed := f.claimOne("a", noon)
	if err := f.s.Retry(f.ctx, claimed, noon.Add(time.Minute), "it broke"); err != nil {
		f.Fatal(err)
	}
	moved := job(flows.JobLapse, "req_1", noon.Add(time.Hour))
	moved.Args = json.RawMessage(`{"why":"moved"}`)
	want := moved
	want.ID, want.Rev, want.Lease = first.ID, 2, 1
	f.same([]flows.Job{want}, f.write(moved))
	f.same([]string{}, keys(f.claim("a", noon.Add(59*time.Minute), 10)))
	got := f.claim("a", noon.Add(time.Hour), 10)
	want.LeasedTo, want.LeaseUntil, want.Lease = "a", noon.Add(time.Hour+15*time.Second), 2
	f.same([]flows.Job{want}, got) // attempts and the last error start again
}

func jobUpsertKeepsLease(f *fixture) {
	f.write(job(flows.JobRevoke, "req_1", noon))
	claimed := f.claimOne("a", noon)
	again := f.write(leasedTo("a", job(flows.JobRevoke, "req_1", noon)))[0]
	if again.LeasedTo != "" || again.Rev != 2 {
		f.Errorf("written again while it is worked on: %+v; it is not this writer's to work on", again)
	}
	f.same([]string{}, keys(f.claim("b", noon.Add(time.Second), 10)))
	f.is(f.s.Extend(f.ctx, claimed, noon.Add(time.Minute)), nil)

	free := f.write(job(flows.JobLapse, "req_1", noon.Add(time.Hour)))[0]
	again = f.write(leasedTo("a", job(flows.JobLapse, "req_1", noon)))[0]
	if again.LeasedTo != "" || again.ID != free.ID {
		f.Errorf("a free job that was written again: %+v, want it free", again)
	}
	f.same([]string{"lapse:req_1"}, keys(f.claim("b", noon, 10)))
}

func jobNewLeased(f *fixture) {
	j := leasedTo("a", job(flows.JobRoute, "req_1", noon))
	got := f.write(j)[0]
	j.ID, j.Rev, j.Lease = got.ID, 1, 1
	f.same(j, got)
	f.same([]string{}, keys(f.claim("b", noon.Add(14*time.Second), 10)))
	f.apply(flows.Change{Done: &got})
	f.write(leasedTo("a", job(flows.JobRoute, "req_2", noon)))
	f.same([]string{"route:req_2"}, keys(f.claim("b", noon.Add(15*time.Second), 10))) // it ran out
}

func doneDeletes(f *fixture) {
	f.write(job(flows.JobRoute, "req_1", noon))
	claimed := f.claimOne("a", noon)
	f.apply(flows.Change{Done: &claimed})
	f.same([]string{}, keys(f.claim("a", noon.Add(time.Hour), 10)))
	f.refused(flows.Change{Done: &claimed}, flows.ErrLeaseLost)
}

func doneRunsAgain(f *fixture) {
	f.write(job(flows.JobCard, "c1", noon))
	claimed := f.claimOne("a", noon)
	f.write(job(flows.JobCard, "c1", noon.Add(time.Second)))
	f.apply(flows.Change{Done: &claimed})
	f.refused(flows.Change{Done: &claimed}, flows.ErrLeaseLost)
	f.same([]string{}, keys(f.claim("a", noon, 10)))
	second := f.claim("b", noon.Add(time.Second), 10)
	f.same([]string{"card:c1"}, keys(second))
	f.apply(flows.Change{Done: &second[0]})
	f.same([]string{}, keys(f.claim("b", noon.Add(time.Hour), 10)))
}

func doneLostLease(f *fixture) {
	f.write(job(flows.JobRoute, "req_1", noon))
	old := f.claimOne("a", noon)
	late := noon.Add(15 * time.Second)
	taken := f.claimOne("b", late)
	for what, j := range map[string]flows.Job{
		"the old lease":   old,
		"another owner":   {ID: taken.ID, Key: taken.Key, Rev: taken.Rev, Lease: taken.Lease, LeasedTo: "a"},
		"an older lease":  {ID: taken.ID, Key: taken.Key, Rev: taken.Rev, Lease: taken.Lease - 1, LeasedTo: "b"},
		"another job":     {ID: taken.ID + 1, Key: taken.Key, Rev: taken.Rev, Lease: taken.Lease, LeasedTo: "b"},
		"no lease at all": {ID: taken.ID, Key: taken.Key, Rev: taken.Rev, Lease: taken.Lease},
	} {
		f.Log(what)
		f.refused(flows.Change{Done: &j, Jobs: []flows.Job{job(flows.JobLapse, "req_1", noon)}}, flows.ErrLeaseLost)
		f.is(f.s.Retry(f.ctx, j, noon, ""), flows.ErrLeaseLost)
		f.is(f.s.Extend(f.ctx, j, noon.Add(time.Hour)), flows.ErrLeaseLost)
	}
	f.apply(flows.Change{Done: &taken})
}

// doneAndWrittenAgain is how a job that comes back on its own finishes.
func doneAndWrittenAgain(f *fixture) {
	f.write(in("lane", job(flows.JobReconcile, "all", noon)))
	claimed := f.claimOne("a", noon)
	f.apply(flows.Change{Done: &claimed, Jobs: []flows.Job{in("lane", job(flows.JobReconcile, "all", noon.Add(time.Minute)))}})
	f.same([]string{}, keys(f.claim("a", noon.Add(59*time.Second), 10)))
	again := f.claim("b", noon.Add(time.Minute), 10)
	f.same([]string{"reconcile:all"}, keys(again))

	// The lane of the job that is done is free for what follows from it.
	next := f.apply(flows.Change{Done: &again[0], Jobs: []flows.Job{leasedTo("b", in("lane", job(flows.JobRevoke, "req_1", noon)))}})
	if next[0].LeasedTo != "b" {
		f.Errorf("the next job of the lane was written %+v, want it leased", next[0])
	}
}

func cancel(f *fixture) {
	f.write(job(flows.JobLapse, "req_1", noon), job(flows.JobRemind, "req_1", noon), job(flows.JobLapse, "req_10", noon))
	claimed := f.claim("a", noon, 1)
	f.same([]string{"lapse:req_1"}, keys(claimed))
	f.apply(flows.Change{Cancel: []string{"lapse:req_1", "remind:req_1", "none:such"}})
	f.refused(flows.Change{Done: &claimed[0]}, flows.ErrLeaseLost)
	f.same([]string{"lapse:req_10"}, keys(f.claim("a", noon, 10)))

	// Cancelled and done at once, cancelled and written at once.
	both := f.write(leasedTo("a", job(flows.JobRoute, "req_1", noon)))[0]
	f.apply(flows.Change{Done: &both, Cancel: []string{both.Key}})
	f.write(leasedTo("a", job(flows.JobRoute, "req_1", noon)))
	fresh := f.apply(flows.Change{Cancel: []string{"route:req_1"}, Jobs: []flows.Job{leasedTo("b", job(flows.JobRoute, "req_1", noon))}})[0]
	if fresh.Rev != 1 || fresh.LeasedTo != "b" {
		f.Errorf("cancelled and written in one change: %+v, want a new job", fresh)
	}
}

func retry(f *fixture) {
	f.write(job(flows.JobGrant, "req_1", noon))
	for try := range 3 {
		now := noon.Add(time.Duration(try) * time.Minute)
		j := f.claimOne("a", now)
		if j.Attempts != try {
			f.Errorf("try %d has %d attempts; claiming must not count", try, j.Attempts)
		}
		if try > 0 && j.LastErr != "broken \ufffd\ufffd pipe é" {
			f.Errorf("last error %q", j.LastErr)
		}
		why := "broken \x00\xff pipe é"
		if _, isModel := f.s.(*Model); isModel {
			why = "broken \ufffd\ufffd pipe é"
		}
		f.is(f.s.Retry(f.ctx, j, now.Add(time.Minute), why), nil)
		f.is(f.s.Retry(f.ctx, j, now, why), flows.ErrLeaseLost)
		f.same([]string{}, keys(f.claim("a", now.Add(59*time.Second), 1)))
	}
}

// retryWrittenMeanwhile: the failure was of the old job, so the new time stands. An
// end that was moved to now must not wait for the back-off of the one before.
func retryWrittenMeanwhile(f *fixture) {
	f.write(job(flows.JobRevoke, "req_1", noon))
	old := f.claimOne("a", noon)
	f.write(job(flows.JobRevoke, "req_1", noon.Add(time.Second)))
	f.is(f.s.Retry(f.ctx, old, noon.Add(time.Hour), "broken"), nil)
	got := f.claim("a", noon.Add(time.Second), 1)
	if len(got) != 1 || got[0].Attempts != 0 || got[0].Rev != 2 {
		f.Errorf("claimed %+v, want the job at its new time, not tried yet", got)
	}
}

func extend(f *fixture) {
	f.write(job(flows.JobGrant, "req_1", noon))
	j := f.claimOne("a", noon)
	f.is(f.s.Extend(f.ctx, j, noon.Add(time.Minute)), nil)
	f.same([]string{}, keys(f.claim("b", noon.Add(59*time.Second), 10)))
	f.is(f.s.Extend(f.ctx, j, noon.Add(2*time.Minute)), nil)
	f.same([]string{}, keys(f.claim("b", noon.Add(119*time.Second), 10)))
	f.same([]string{"grant:req_1"}, keys(f.claim("b", noon.Add(2*time.Minute), 10)))
	f.is(f.s.Extend(f.ctx, j, noon.Add(time.Hour)), flows.ErrLeaseLost)
}

// jobTimes: what is due at a fraction of a millisecond is never claimed early.
func jobTimes(f *fixture) {
	f.write(job(flows.JobLapse, "req_1", noon.Add(time.Microsecond).In(time.FixedZone("x", 7200))))
	f.same([]string{}, keys(f.claim("a", noon, 10)))
	got := f.claim("a", noon.Add(time.Millisecond), 10)
	if len(got) != 1 || got[0].RunAt.Location() != time.UTC && f.sub.Raw != nil {
		f.Errorf("claimed %+v, want one job with its time in UTC", got)
	}
}
