package pagerduty

import "sync/atomic"

// Stats counts what the client did since it was made.
type Stats struct {
	Questions   int64 // OnCall was asked
	Warm        int64 // of these, answered from the snapshot without waiting
	Waits       int64 // waited for a read
	Unknown     int64 // ended unknown
	Requests    int64 // sent to PagerDuty, retries included
	OnCallReads int64 // of these, GET /oncalls
	Refreshes   int64 // of the snapshot, good or not
	NameReads   int64 // of the lists of policies and schedules, good or not
	Retries     int64
	Throttled   int64 // answered 429
	Failures    int64 // calls that gave no answer to believe
	NotSent     int64 // kept back by the request budget
	BudgetLeft  int   // requests that may still go out in this minute
}

type counters struct {
	questions, warm, waits, unknown, requests, onCallReads, refreshes, nameReads, retries, throttled, failures atomic.Int64
}

// Stats is a snapshot of the counters.
func (c *Client) Stats() Stats {
	s := &c.stats
	c.budget.mu.Lock()
	refused := c.budget.refused
	c.budget.mu.Unlock()
	return Stats{
		Questions: s.questions.Load(), Warm: s.warm.Load(), Waits: s.waits.Load(), Unknown: s.unknown.Load(),
		Requests: s.requests.Load(), OnCallReads: s.onCallReads.Load(), Refreshes: s.refreshes.Load(), NameReads: s.nameReads.Load(), Retries: s.retries.Load(),
		Throttled: s.throttled.Load(), Failures: s.failures.Load(), NotSent: refused, BudgetLeft: c.budget.left(),
	}
}
