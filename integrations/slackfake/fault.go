package slackfake

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is something that goes wrong with calls by the app. Exactly one of the
// outcomes is usually set; Delay goes with any of them or alone.
type Fault struct {
	// Method is the Web API method, "response_url", or "*" for all.
	Method string `json:"method"`
	// Times is how many calls it hits; 0 means until cleared.
	Times int `json:"times"`

	Delay      time.Duration `json:"-"`           // answer later
	Status     int           `json:"status"`      // answer with this status and nothing done
	RetryAfter int           `json:"retry_after"` // seconds, goes with Status 429
	Error      string        `json:"error"`       // answer {"ok":false,"error":…} and nothing done
	Malformed  bool          `json:"malformed"`   // answer half a JSON document, nothing done
	Drop       bool          `json:"drop"`        // close the connection, nothing done
	LoseAnswer bool          `json:"lose_answer"` // do it, then close the connection

	hits int
}

// Fail injects a fault; several are tried in the order they were injected.
func (ws *Workspace) Fail(f Fault) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.faults = append(ws.faults, &f)
}

// ClearFaults ends all faults, those of deliveries too.
func (ws *Workspace) ClearFaults() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.faults, ws.deliveries = nil, nil
}

// Faults lists the faults of calls that are still in force.
func (ws *Workspace) Faults() []Fault {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	out := make([]Fault, len(ws.faults))
	for i, f := range ws.faults {
		out[i] = *f
	}
	return out
}

// faultFor takes the next fault that hits a call.
func (ws *Workspace) faultFor(method string) Fault {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for i, f := range ws.faults {
		if f.Method != method && f.Method != "*" {
			continue
		}
		f.hits++
		if f.Times > 0 && f.hits >= f.Times {
			ws.faults = slices.Delete(ws.faults, i, i+1)
		}
		return *f
	}
	return Fault{}
}

// name says in a word what the fault does, for the ledger.
func (f Fault) name() string {
	switch {
	case f.Drop:
		return "dropped"
	case f.LoseAnswer:
		return "answer lost"
	case f.Malformed:
		return "malformed"
	case f.Status != 0:
		return "status " + strconv.Itoa(f.Status)
	case f.Error != "":
		return f.Error
	case f.Delay > 0:
		return "slow"
	default:
		return ""
	}
}

// instead is the answer the fault gives in place of the real one.
func (f Fault) instead() (response, bool) {
	switch {
	case f.Drop:
		return response{drop: true}, true
	case f.Malformed:
		return response{status: http.StatusOK, raw: []byte(`{"ok":true,"chan`)}, true
	case f.Status != 0:
		r := response{status: f.Status, raw: []byte(http.StatusText(f.Status)), header: http.Header{}}
		if f.Status == http.StatusTooManyRequests {
			r.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
			r.raw = []byte(`{"ok":false,"error":"ratelimited"}`)
		}
		return r, true
	case f.Error != "":
		return response{status: http.StatusOK, raw: encode(map[string]any{"ok": false, "error": f.Error})}, true
	default:
		return response{}, false
	}
}

// pause waits on the workspace's timers; it ends early when stop is closed or
// the workspace is.
func (ws *Workspace) pause(d time.Duration, stop <-chan struct{}) {
	if d <= 0 {
		return
	}
	over := make(chan struct{})
	cancel := ws.opt.After(d, func() { close(over) })
	defer cancel()
	select {
	case <-over:
	case <-stop:
	case <-ws.life.Done():
	}
}
