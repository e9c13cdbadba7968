package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// How a stream of events goes: how often it looks, how often it says that it is still
// there, and after how long the caller begins again.
const (
	eventEvery  = time.Second
	eventBeat   = 15
	eventsAtOne = 1800
)

// Events is GET /v1/requests/{id}/events: the request each time it has changed, as
// server-sent events, until nothing follows any more.
func (w *Web) Events(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	id := chi.URLParam(r, "id")
	req, err := w.request(r.Context(), c, id)
	if err != nil {
		writeProblem(rw, problemOf(err))
		return
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("X-Accel-Buffering", "no")
	out := &stream{w: rw, control: http.NewResponseController(rw)}
	shown := int64(0)
	for n := 1; ; n++ {
		if req.Version != shown {
			shown = req.Version
			out.event("request", w.shape(c, &req))
		} else if n%eventBeat == 0 {
			out.beat()
		}
		if out.err != nil || req.State.Final() || n >= eventsAtOne || !w.pause(r.Context()) {
			return
		}
		if req, err = w.request(r.Context(), c, id); err != nil { // not theirs any more, or unreadable
			return
		}
	}
}

// pause waits for the next look; false when the caller has gone.
func (w *Web) pause(ctx context.Context) bool {
	tick, stop := flows.After(w.o.Clock, eventEvery)
	defer stop()
	select {
	case <-tick:
		return true
	case <-ctx.Done():
		return false
	}
}

// stream writes server-sent events, each at once.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (s *stream) event(name string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.err = err
		return
	}
	s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", name, b))
}

func (s *stream) beat() { s.write(": still there\n\n") }

func (s *stream) write(text string) {
	if s.err != nil {
		return
	}
	_ = s.control.SetWriteDeadline(time.Time{}) // the server's own is for answers, not streams
	if _, s.err = s.w.Write([]byte(text)); s.err == nil {
		s.err = s.control.Flush()
	}
}
