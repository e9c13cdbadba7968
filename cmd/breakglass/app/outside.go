package app

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
)

// How far back the Slack channel of checkpoints is read after a start, in pages of 200
// messages, and how often that is tried until Slack answers.
const (
	outsidePages = 5
	outsideAgain = 5 * time.Minute
)

// holdToSlack holds the database to the checkpoints that stand in Slack, once after the
// start, and again until Slack could be read. Nothing waits for it.
func (a *App) holdToSlack(ctx context.Context) {
	channel := AuditChannel(a.conf())
	if channel == "" || a.auditPublic == "" {
		return
	}
	a.sayOutside("being read")
	for ctx.Err() == nil {
		err := a.lookAtSlack(ctx, channel)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			return
		}
		a.log.WarnContext(ctx, "the checkpoints in Slack were not read, so the database was not held to them", "channel", channel, "error", err)
		if _, never := errors.AsType[*flows.Permanent](err); never {
			a.sayOutside("not read: the Slack app may not read its channel; the log says what it lacks")
			return
		}
		a.sayOutside("not read yet: Slack did not give them; the log has the cause")
		tick, stop := flows.After(a.o.Clock, outsideAgain)
		select {
		case <-tick:
		case <-ctx.Done():
			stop()
		}
	}
}

// lookAtSlack reads the channel; an error says that it could not.
func (a *App) lookAtSlack(ctx context.Context, channel string) error {
	since, err := a.store.AcceptedAt(ctx)
	if err != nil {
		return err
	}
	keys, err := audit.Keys(a.auditPublic)
	if err != nil {
		return err
	}
	own, err := a.slack.OwnLately(ctx, channel, outsidePages)
	if err != nil {
		return err
	}
	for _, m := range own {
		if !after(m.TS, since) {
			break // an admin has accepted the database since
		}
		for _, n := range audit.FindNotes(m.Text) {
			err := audit.RolledBack(ctx, a.store, []string{n}, keys)
			if errors.Is(err, audit.ErrRolledBack) {
				a.guard.hold(earlier, "the database is an earlier one than was published in Slack, and no admin has accepted that yet")
				a.log.ErrorContext(ctx, "hold the database to what was published of it", "message", m.TS, "error", err)
				a.sayOutside("the database is not the one that was published")
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	a.sayOutside("the database is what was published")
	return nil
}

// after reports whether a message was posted after a time.
func after(ts string, at time.Time) bool {
	sec, err := strconv.ParseFloat(ts, 64)
	return err == nil && (at.IsZero() || int64(math.Floor(sec*1000)) > at.UnixMilli())
}

func (a *App) sayOutside(how string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outside = how
}
