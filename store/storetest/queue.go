package storetest

import (
	"fmt"
	"time"

	"breakglass/flows"
)

func queueCases() []contractCase {
	return []contractCase{
		{"Claim/OldestFirst", func(f *fixture) {
			f.write(job("a", "3", noon.Add(2*time.Second)), job("a", "1", noon), job("a", "2", noon), job("a", "4", noon.Add(time.Hour)))
			f.same([]string{"a:1", "a:2"}, keys(f.claim("x", noon.Add(time.Minute), 2)))
			f.same([]string{"a:3"}, keys(f.claim("x", noon.Add(time.Minute), 2)))
			f.same([]string{}, keys(f.claim("x", noon.Add(time.Minute), 2)))
		}},
		{"Claim/RanOut", claimRanOut},
		{"Claim/Refused", func(f *fixture) {
			if f.sub.Raw == nil {
				f.Skip("the model does not check its arguments")
			}
			for _, bad := range []struct {
				owner string
				limit int
			}{{"", 1}, {"a", 0}, {"a", -1}} {
				if _, err := f.s.Claim(f.ctx, bad.owner, noon, time.Second, bad.limit); err == nil {
					f.Errorf("claimed for owner %q with limit %d", bad.owner, bad.limit)
				}
			}
		}},
		{"Claim/AfterReopen", claimAfterReopen},
		{"NextDue", nextDue},
	}
}

func claimRanOut(f *fixture) {
	f.write(job("a", "1", noon))
	first := f.claimOne("x", noon)
	f.same([]string{}, keys(f.claim("x", noon.Add(15*time.Second-time.Millisecond), 1)))
	second := f.claim("x", noon.Add(15*time.Second), 1)
	if len(second) != 1 || second[0].Lease != first.Lease+1 || second[0].Attempts != 0 {
		f.Fatalf("claimed %+v, want the job with a new lease and no attempt counted", second)
	}
	f.refused(flows.Change{Done: &first}, flows.ErrLeaseLost) // the same process, the old lease
	f.apply(flows.Change{Done: &second[0]})
}

// claimAfterReopen: on a database that one process has to itself, the leases of a dead
// process are free at once; on a shared one they run out.
func claimAfterReopen(f *fixture) {
	f.write(leasedTo("dead", in("lane", job("a", "1", noon))), in("lane", job("a", "2", noon)))
	f.reopen()
	f.same([]string{"a:1"}, keys(f.claim("x", noon.Add(15*time.Second), 10)))
}

func nextDue(f *fixture) {
	want := func(at time.Time, ok bool) {
		f.Helper()
		got, is, err := f.s.NextDue(f.ctx)
		if err != nil || is != ok || !got.Equal(at) {
			f.Errorf("next due %v, %v, %v, want %v, %v", got, is, err, at, ok)
		}
	}
	want(time.Time{}, false)
	f.write(job("a", "1", noon.Add(time.Hour)), job("a", "2", noon.Add(time.Minute)))
	want(noon.Add(time.Minute), true)
	f.write(leasedTo("x", job("a", "3", noon))) // leased ones do not count
	want(noon.Add(time.Minute), true)
	f.write(leasedTo("x", in("lane", job("a", "4", noon))), in("lane", job("a", "5", noon)))
	want(noon.Add(time.Minute), true) // nor does what its lane keeps from being claimed
	f.claim("x", noon.Add(time.Minute), 1)
	want(noon, true) // the leases ran out and were taken back
}

func laneCases() []contractCase {
	return []contractCase{
		{"Lane/OneAtATime", func(f *fixture) {
			f.write(in("l", job("a", "1", noon)), in("l", job("a", "2", noon)), in("m", job("a", "3", noon)), job("a", "4", noon), job("a", "5", noon))
			got := f.claim("x", noon, 10)
			f.same([]string{"a:1", "a:3", "a:4", "a:5"}, keys(got))
			f.same([]string{}, keys(f.claim("y", noon, 10)))
			f.apply(flows.Change{Done: &got[0]})
			f.same([]string{"a:2"}, keys(f.claim("y", noon, 10)))
		}},
		{"Lane/EarlierNotDue", func(f *fixture) {
			f.write(in("l", job("a", "1", noon.Add(time.Hour))), in("l", job("a", "2", noon)))
			f.same([]string{"a:2"}, keys(f.claim("x", noon, 10)))
			f.same([]string{"a:2"}, keys(f.claim("x", noon.Add(2*time.Hour), 10))) // ran out; still the earlier one
		}},
		{"Lane/WrittenFree", func(f *fixture) {
			got := f.write(leasedTo("x", in("l", job("a", "1", noon))), leasedTo("x", in("l", job("a", "2", noon))), leasedTo("x", in("m", job("a", "3", noon))))
			if got[0].LeasedTo != "x" || got[1].LeasedTo != "" || got[1].Lease != 0 || got[2].LeasedTo != "x" {
				f.Errorf("written %+v, want the second one of the lane free", got)
			}
			f.apply(flows.Change{Done: &got[0]})
			f.same([]string{"a:2"}, keys(f.claim("y", noon, 10)))
		}},
		{"Lane/RanOut", func(f *fixture) {
			f.write(leasedTo("dead", in("l", job("a", "1", noon))), in("l", job("a", "2", noon.Add(-time.Hour))))
			f.same([]string{}, keys(f.claim("x", noon.Add(14*time.Second), 10)))
			got := f.claim("x", noon.Add(15*time.Second), 10)
			f.same([]string{"a:2"}, keys(got)) // the earlier one first, and only one
			f.apply(flows.Change{Done: &got[0]})
			f.same([]string{"a:1"}, keys(f.claim("x", noon.Add(15*time.Second), 10)))
		}},
		{"Lane/StarvesNobody", laneStarvesNobody},
	}
}

// laneStarvesNobody: a lane with many due jobs takes one place of a claim, not all.
func laneStarvesNobody(f *fixture) {
	var jobs []flows.Job
	for i := range 200 {
		jobs = append(jobs, in("busy", job("busy", fmt.Sprint(i), noon.Add(-time.Hour))))
	}
	for i := range 5 {
		jobs = append(jobs, in(fmt.Sprint("lane", i), job("quiet", fmt.Sprint(i), noon)))
	}
	f.write(jobs...)
	f.same([]string{"busy:0", "quiet:0", "quiet:1"}, keys(f.claim("x", noon, 3)))
	f.same([]string{"quiet:2", "quiet:3", "quiet:4"}, keys(f.claim("x", noon, 100)))
}
