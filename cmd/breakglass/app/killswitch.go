package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"breakglass/bot/web"
	"breakglass/flows"
)

// waitForTargets is how long the kill switch waits for targets before it reports what
// has not ended; ending goes on after that.
const waitForTargets = 5 * time.Minute

// killOptions are what the kill switch works with here.
func (a *App) killOptions(fin flows.Finish, tell func(flows.EndProgress)) flows.EndOptions {
	return flows.EndOptions{Find: a.store, Memory: a.line, Tell: tell, Fin: fin}
}

// reportEnd is the worker's handler of flows.JobEndReport.
func (a *App) reportEnd(ctx context.Context, j flows.Job) error {
	return a.engine.ReportEnd(ctx, j, a.store, a.line)
}

// emergency is the kill switch as Slack's front door sees it.
type emergency struct{ a *App }

// EndMany implements bot.Emergency.
func (e emergency) EndMany(ctx context.Context, s flows.EndScope, actor flows.Actor, why flows.Text, fin flows.Finish) (*flows.Refusal, error) {
	_, _, no, err := e.a.engine.EndMany(ctx, s, actor, why, e.a.killOptions(fin, nil))
	return no, err
}

// Freeze implements bot.Emergency.
func (e emergency) Freeze(ctx context.Context, actor flows.Actor, why flows.Text, fin flows.Finish) (*flows.Refusal, error) {
	no, err := e.a.engine.Freeze(ctx, actor, why, fin)
	e.a.guard.look(ctx)
	return no, err
}

// Unfreeze implements bot.Emergency.
func (e emergency) Unfreeze(ctx context.Context, actor flows.Actor, why flows.Text, fin flows.Finish) (*flows.Refusal, error) {
	no, err := e.a.engine.Unfreeze(ctx, actor, why, fin)
	e.a.guard.look(ctx)
	return no, err
}

// killSwitch is the kill switch as the API sees it.
type killSwitch struct{ a *App }

// EndMany implements web.Emergency. Who hangs up stops the waiting, not the ending.
func (k killSwitch) EndMany(ctx context.Context, scope flows.EndScope, by flows.Actor, why flows.Text, say func(web.EndLine)) (*flows.Refusal, error) {
	a := k.a
	order, done, no, err := a.engine.EndMany(context.WithoutCancel(ctx), scope, by, why, a.killOptions(flows.Finish{}, func(p flows.EndProgress) {
		say(web.EndLine{Found: p.Found, Ordered: p.Ordered})
	}))
	if no != nil {
		return no, err
	}
	last := web.EndLine{Found: done.Found, Ordered: done.Ordered, FromMemory: done.FromMemory, Done: true}
	if err == nil {
		last.Left, err = a.untilOver(ctx, order, func(left int) {
			say(web.EndLine{Found: done.Found, Ordered: done.Ordered, Over: done.Found - left})
		})
		last.Over = last.Found - len(last.Left)
	}
	if err != nil {
		a.log.ErrorContext(ctx, "the kill switch did not get through", "error", err)
		last.Error = "Something broke before all was ended; what was ordered is carried out. Ask again: it goes on where it stopped. The server's log has the cause."
	}
	say(last)
	return nil, nil
}

// Freeze implements web.Emergency.
func (k killSwitch) Freeze(ctx context.Context, by flows.Actor, why flows.Text) (*flows.Refusal, error) {
	no, err := emergency(k).Freeze(ctx, by, why, flows.Finish{})
	return no, unstored(err)
}

// Unfreeze implements web.Emergency.
func (k killSwitch) Unfreeze(ctx context.Context, by flows.Actor, why flows.Text) (*flows.Refusal, error) {
	no, err := emergency(k).Unfreeze(ctx, by, why, flows.Finish{})
	return no, unstored(err)
}

// unstored says what it means for a freeze that the store did not take it.
func unstored(err error) error {
	if errors.Is(err, flows.ErrReadOnly) {
		return flows.Refuse(flows.RefusedEndOnly, "The database does not write, so nothing was stored. While that lasts nothing is given in any case.")
	}
	return err
}

// endMany is the kill switch for the operator on the machine. The answer is a stream:
// a line about every second.
func (a *App) endMany(w http.ResponseWriter, r *http.Request) {
	var in struct{ Kind, Name, Reason string }
	if !readBody(w, r, &in) {
		return
	}
	scope, no := a.Catalog().EndScope(in.Kind, in.Name)
	if no != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": no.Error(), "code": no.Code})
		return
	}
	out := http.NewResponseController(w)
	if err := out.SetWriteDeadline(time.Time{}); err != nil {
		a.log.WarnContext(r.Context(), "a long answer may be cut off", "error", err)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	say := func(l web.EndLine) {
		_ = enc.Encode(l) // the caller has gone; the ending goes on
		_ = out.Flush()
	}
	no, err := killSwitch{a}.EndMany(r.Context(), scope, operator(), flows.NewText(in.Reason), say)
	if err != nil {
		a.log.ErrorContext(r.Context(), "refuse the kill switch", "error", err)
	}
	if no != nil {
		say(web.EndLine{Error: no.Error(), Done: true})
	}
}

// untilOver waits for the targets, and returns what they have not confirmed.
func (a *App) untilOver(ctx context.Context, order flows.EndOrder, tell func(left int)) ([]flows.Unended, error) {
	for until := a.o.Clock.Now().Add(waitForTargets); ; {
		left, err := a.engine.Unended(ctx, order, a.store, a.line)
		if err != nil || len(left) == 0 || !a.o.Clock.Now().Before(until) {
			return left, err
		}
		tell(len(left))
		tick, stop := flows.After(a.o.Clock, time.Second)
		select {
		case <-tick:
		case <-ctx.Done():
			stop()
			return left, ctx.Err()
		}
	}
}

// operator is the owner of the process, who came in by the door file.
func operator() flows.Actor {
	return flows.Actor{Door: flows.DoorCLI, Admin: true, Trace: "local operator"}
}

// freeze stops everything that gives access.
func (a *App) freeze(w http.ResponseWriter, r *http.Request) {
	a.setFrozen(w, r, killSwitch{a}.Freeze, "frozen")
}

// unfreeze lets access be given again.
func (a *App) unfreeze(w http.ResponseWriter, r *http.Request) {
	a.setFrozen(w, r, killSwitch{a}.Unfreeze, "not frozen")
}

type freezing func(context.Context, flows.Actor, flows.Text) (*flows.Refusal, error)

func (a *App) setFrozen(w http.ResponseWriter, r *http.Request, do freezing, state string) {
	var in struct{ Reason string }
	if !readBody(w, r, &in) {
		return
	}
	no, err := do(r.Context(), operator(), flows.NewText(in.Reason))
	if no == nil {
		no, _ = flows.AsRefusal(err)
	}
	switch {
	case no != nil && no.Code == flows.RefusedEndOnly:
		answer(w, http.StatusServiceUnavailable, map[string]any{"error": no.Error(), "code": no.Code})
	case no != nil:
		answer(w, http.StatusForbidden, map[string]any{"error": no.Error(), "code": no.Code})
	case err != nil:
		a.log.ErrorContext(r.Context(), "freeze", "error", err)
		answer(w, http.StatusInternalServerError, map[string]any{"error": "Something broke; nothing was changed. The server's log has the cause."})
	default:
		answer(w, http.StatusOK, map[string]any{"state": state})
	}
}

// readBody reads a small JSON body, or says that it is none.
func readBody(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<10)).Decode(into); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "The body is not JSON. Nothing was done."})
		return false
	}
	return true
}
