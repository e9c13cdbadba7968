package doors

import (
	"context"
	"time"

	"breakglass/flows"
)

// How passes and payloads are purged. The schema holds to Keep, too, by the database's own
// clock. A payload that was handled is kept to refuse the same one again: Slack sends
// again for an hour, and what it signed is good for five minutes; PagerDuty for two days,
// and what it signed for ever, but its events only have an incident read anew.
const (
	Keep        = 30 * 24 * time.Hour // after its time is over, so long a pass stays
	KeepHandled = 7 * 24 * time.Hour  // and a payload after it was handled

	PurgeEvery = 24 * time.Hour
	purgeAgain = 10 * time.Second // while there is more
	purgeMost  = 500              // in one transaction, which writers of a SQLite file wait for
)

// Shelf is where passes stand, and what came in.
type Shelf interface {
	// PurgePasses deletes up to most passes whose time was over before then; it returns
	// how many.
	PurgePasses(ctx context.Context, before time.Time, most int) (int, error)
	// PurgeInbox deletes up to most payloads that were handled before then; it returns
	// how many. What was not handled stays.
	PurgeInbox(ctx context.Context, before time.Time, most int) (int, error)
}

// Finisher closes a job from which nothing follows but others.
type Finisher interface {
	Finish(ctx context.Context, fin flows.Finish) error
}

// PurgeJob is the job that deletes old passes and payloads; it is written at start and writes itself
// again each time.
func PurgeJob(at time.Time) flows.Job {
	return flows.Job{Kind: flows.JobPurge, Key: string(flows.JobPurge), RunAt: at}
}

// Purge is the handler of flows.JobPurge: it deletes a part of what was over long ago,
// ended or not, and of what was handled. What an auditor asks about it stands in the
// entries, which stay.
func Purge(shelf Shelf, jobs Finisher, clock flows.Clock) func(context.Context, flows.Job) error {
	return func(ctx context.Context, j flows.Job) error {
		passes, err := shelf.PurgePasses(ctx, clock.Now().Add(-Keep), purgeMost)
		if err != nil {
			return err
		}
		payloads, err := shelf.PurgeInbox(ctx, clock.Now().Add(-KeepHandled), purgeMost)
		if err != nil {
			return err
		}
		next := PurgeJob(clock.Now().Add(PurgeEvery))
		if passes == purgeMost || payloads == purgeMost {
			next.RunAt = clock.Now().Add(purgeAgain)
		}
		return jobs.Finish(ctx, flows.Finish{Job: &j, Also: func(flows.Outcome) []flows.Job { return []flows.Job{next} }})
	}
}
