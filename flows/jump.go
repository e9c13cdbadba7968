package flows

import "time"

// JumpedBack brings the end of live access forward by as much as the clock jumped
// back, so that nobody has it for longer than was decided; what is being ended is
// tried again now, not when the clock has come round.
func JumpedBack(req Request, f Facts, now time.Time, by time.Duration) Outcome {
	if !req.State.Live() || by <= 0 {
		return Outcome{Request: req}
	}
	if req.State == StateEnding {
		d := aside(req, f, now, "clock_jumped_back", map[string]any{"seconds": int64(by / time.Second)})
		d.req.EndsAt = earlier(d.req.EndsAt, now)
		d.own(JobRevoke, now)
		return d.finish()
	}
	sooner := func(t time.Time) time.Time {
		if moved := t.Add(-by); moved.After(now) {
			return moved
		}
		return earlier(t, now) // what is due already stays so
	}
	d := aside(req, f, now, "clock_jumped_back", map[string]any{"seconds": int64(by / time.Second), "ends_at": millis(sooner(req.EndsAt))})
	d.req.EndsAt, d.req.LatestEnd = sooner(req.EndsAt), sooner(req.LatestEnd)
	d.own(JobRevoke, d.req.EndsAt)
	d.hold(f.Holding.With(req.ID, d.req.EndsAt))
	if req.State == StateActive {
		d.drop(JobExpiring)
		return d.finish()
	}
	d.req.GrantBy = sooner(req.GrantBy)
	d.own(JobGiveUp, d.req.GrantBy)
	return d.finish()
}
