package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"breakglass/flows"
)

// waitForTargets is how long the kill switch waits for targets before it reports what
// has not ended; ending goes on after that.
const waitForTargets = 5 * time.Minute

// EndLine is one line of the answer of POST /v1/end: how far it is, and at last what
// has not ended.
type EndLine struct {
	Found      int             `json:"found"`
	Ordered    int             `json:"ordered"`
	Over       int             `json:"over"`
	FromMemory int             `json:"from_memory,omitempty"` // ended while the store did not write
	Left       []flows.Unended `json:"left,omitempty"`
	Done       bool            `json:"done,omitempty"` // the last line
	Error      string          `json:"error,omitempty"`
}

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

// endMany is the kill switch for the operator on the machine. The answer is a stream:
// a line about every second. Who hangs up stops the waiting, not the ending of what
// was ordered by then.
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
	say := func(l EndLine) {
		_ = enc.Encode(l) // the caller has gone; the ending goes on
		_ = out.Flush()
	}
	order, done, no, err := a.engine.EndMany(r.Context(), scope, operator(), flows.NewText(in.Reason), a.killOptions(flows.Finish{}, func(p flows.EndProgress) {
		say(EndLine{Found: p.Found, Ordered: p.Ordered})
	}))
	last := EndLine{Found: done.Found, Ordered: done.Ordered, FromMemory: done.FromMemory, Done: true}
	if err == nil && no == nil {
		last.Left, err = a.untilOver(r.Context(), order, func(left int) {
			say(EndLine{Found: done.Found, Ordered: done.Ordered, Over: done.Found - left})
		})
		last.Over = last.Found - len(last.Left)
	}
	switch {
	case err != nil:
		a.log.ErrorContext(r.Context(), "the kill switch did not get through", "error", err)
		last.Error = "Something broke before all was ended; what was ordered is carried out. Ask again: it goes on where it stopped. The server's log has the cause."
	case no != nil:
		last.Error = no.Error()
	}
	say(last)
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
	a.setFrozen(w, r, a.engine.Freeze, "frozen")
}

// unfreeze lets access be given again.
func (a *App) unfreeze(w http.ResponseWriter, r *http.Request) {
	a.setFrozen(w, r, a.engine.Unfreeze, "not frozen")
}

type freezing func(context.Context, flows.Actor, flows.Text, flows.Finish) (*flows.Refusal, error)

func (a *App) setFrozen(w http.ResponseWriter, r *http.Request, do freezing, state string) {
	var in struct{ Reason string }
	if !readBody(w, r, &in) {
		return
	}
	no, err := do(r.Context(), operator(), flows.NewText(in.Reason), flows.Finish{})
	a.guard.look(r.Context())
	switch {
	case errors.Is(err, flows.ErrReadOnly):
		answer(w, http.StatusServiceUnavailable, map[string]any{"error": "The database does not write, so the freeze was not stored. While that lasts nothing is given in any case."})
	case err != nil:
		a.log.ErrorContext(r.Context(), "freeze", "error", err)
		answer(w, http.StatusInternalServerError, map[string]any{"error": "Something broke; nothing was changed. The server's log has the cause."})
	case no != nil:
		answer(w, http.StatusForbidden, map[string]any{"error": no.Error(), "code": no.Code})
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
