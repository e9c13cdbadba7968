package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"breakglass/flows/doors"
)

// mostEchoed is how much of an answer a page shows.
const mostEchoed = 256 << 10

// echo holds the answer to a call that a page shows.
type echo struct {
	Status int
	Took   time.Duration
	Broken string // it was not sent, or the answer broke off
	Cut    bool   // it is longer than what is shown

	header http.Header
	body   bytes.Buffer
}

var errEnough = errors.New("this is all that is shown")

// Header implements http.ResponseWriter.
func (e *echo) Header() http.Header { return e.header }

// WriteHeader implements http.ResponseWriter.
func (e *echo) WriteHeader(status int) {
	if e.Status == 0 && status >= http.StatusOK {
		e.Status = status
	}
}

// Write implements http.ResponseWriter, up to what is shown.
func (e *echo) Write(b []byte) (int, error) {
	e.WriteHeader(http.StatusOK)
	if room := mostEchoed - e.body.Len(); len(b) > room {
		e.body.Write(b[:room])
		e.Cut = true
		return room, errEnough
	}
	return e.body.Write(b)
}

// Flush implements http.Flusher: nobody sees it before it is whole.
func (e *echo) Flush() {}

// SetReadDeadline and SetWriteDeadline are for connections; this is none.
func (e *echo) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is like SetReadDeadline.
func (e *echo) SetWriteDeadline(time.Time) error { return nil }

// serve makes the call. An answer that breaks off is shown as far as it came.
func (e *echo) serve(calls Adapters, r *http.Request, c *doors.Caller) {
	defer func() {
		if stop := recover(); stop == http.ErrAbortHandler { //nolint:errorlint // panics with this value itself
			if !e.Cut {
				e.Broken = "The answer broke off; this is what came."
			}
		} else if stop != nil {
			panic(stop)
		}
	}()
	calls.Serve(e, r, c)
}

// Ours reports whether it was refused or went wrong here, and not at the upstream.
func (e *echo) Ours() bool { return e.header.Get("Breakglass-Answer") != "upstream" }

// Tone is the colour of the status.
func (e *echo) Tone() string {
	if e.Status < http.StatusBadRequest {
		return "good"
	}
	return "bad"
}

// Words is the status in words.
func (e *echo) Words() string { return http.StatusText(e.Status) }

// Type is what the body is.
func (e *echo) Type() string { return e.header.Get("Content-Type") }

// Text is the body as it is shown: JSON on several lines, anything else that is text as
// it stands.
func (e *echo) Text() string {
	b := e.body.Bytes()
	var nice bytes.Buffer
	if json.Indent(&nice, b, "", "  ") == nil {
		b = nice.Bytes()
	}
	return strings.ToValidUTF8(strings.ReplaceAll(string(b), "\x00", ""), "�")
}

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
