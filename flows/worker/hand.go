package worker

import (
	"context"
	"sync"
	"time"

	"breakglass/flows"
)

// hand is what a runner has in hand: jobs that are worked on, or wait for a slot.
type hand struct {
	mu    sync.Mutex
	jobs  map[string]flows.Job // by key
	lanes map[string]int
	again map[string]bool // keys that were written anew meanwhile
}

func newHand() hand {
	return hand{jobs: map[string]flows.Job{}, lanes: map[string]int{}, again: map[string]bool{}}
}

func (h *hand) take(j flows.Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs[j.Key] = j
	if j.Lane != "" {
		h.lanes[j.Lane]++
	}
}

// drop lets a job go that was taken. It reports whether another one may have become
// free by that: the next of its lane, or itself, written anew.
func (h *hand) drop(j flows.Job) (frees bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if same(h.jobs[j.Key], j) { // else it was done, written anew and taken before we came here
		frees = h.again[j.Key]
		delete(h.jobs, j.Key)
		delete(h.again, j.Key)
	}
	if j.Lane == "" {
		return frees
	}
	if h.lanes[j.Lane]--; h.lanes[j.Lane] <= 0 {
		delete(h.lanes, j.Lane)
	}
	return true
}

// keeps reports whether a free job cannot run because of what is in hand, its lane or
// an earlier writing of itself; it is looked for when that is dropped.
func (h *hand) keeps(j flows.Job) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, mine := h.jobs[j.Key]; mine {
		h.again[j.Key] = true
		return true
	}
	return h.lanes[j.Lane] > 0
}

// old lists the jobs whose lease ends before t.
func (h *hand) old(t time.Time) []flows.Job {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []flows.Job
	for _, j := range h.jobs {
		if j.LeaseUntil.Before(t) {
			out = append(out, j)
		}
	}
	return out
}

// extended notes a longer lease; a lost one is not asked for again.
func (h *hand) extended(j flows.Job, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if have, mine := h.jobs[j.Key]; mine && same(have, j) {
		have.LeaseUntil = until
		h.jobs[j.Key] = have
	}
}

// same reports whether two are one claim of one row: a job that is done and written
// anew has the same key, and maybe the same number of its lease.
func same(a, b flows.Job) bool { return a.ID == b.ID && a.Lease == b.Lease }

// keepLeases extends the leases of jobs that take long, until ctx ends.
func (r *Runner) keepLeases(ctx context.Context) {
	for {
		tick, drop := flows.After(r.o.Clock, r.o.Lease/3)
		select {
		case <-ctx.Done():
			drop()
			return
		case <-tick:
			r.extend(ctx)
		}
	}
}

// extend gives every job in hand the better part of a lease again. Before a claim it
// keeps the runner from taking its own jobs for abandoned, when the clock has jumped.
func (r *Runner) extend(ctx context.Context) {
	now := r.o.Clock.Now()
	for _, j := range r.hand.old(now.Add(r.o.Lease * 2 / 3)) {
		until := now.Add(r.o.Lease)
		if r.o.Queue.Extend(ctx, j, until) != nil {
			until = now.Add(365 * 24 * time.Hour) // lost, or the store is gone: the outcome's Apply will tell
		}
		r.hand.extended(j, until)
	}
}
