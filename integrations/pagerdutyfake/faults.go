package pagerdutyfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKind is a way for an answer to go wrong.
type FaultKind string

// The kinds of fault. Those that say "applied" let the request do its work
// first; the others keep it from the account.
const (
	// FaultStatus answers with Status and Code, or Body as it stands.
	FaultStatus FaultKind = "status"
	// FaultDelay waits for Delay and then answers as usual, applied.
	FaultDelay FaultKind = "delay"
	// FaultDrop closes the connection without an answer.
	FaultDrop FaultKind = "drop"
	// FaultLostAnswer closes the connection, applied.
	FaultLostAnswer FaultKind = "lost_answer"
	// FaultMalformed cuts the JSON in half, applied.
	FaultMalformed FaultKind = "malformed_json"
	// FaultCutShort promises the whole answer, sends half and closes, applied.
	FaultCutShort FaultKind = "cut_short"
	// FaultHTML answers 200 with a page of HTML.
	FaultHTML FaultKind = "html"
	// FaultMissingKey leaves out the list (as "oncalls"), applied.
	FaultMissingKey FaultKind = "missing_key"
	// FaultNullList answers null for the list, applied.
	FaultNullList FaultKind = "null_list"
	// FaultWrongType answers a string for the list, applied.
	FaultWrongType FaultKind = "wrong_type"
	// FaultEmptyPage answers an empty list with more=true, applied.
	FaultEmptyPage FaultKind = "empty_page"
	// FaultEndless answers more=true whatever there is, applied.
	FaultEndless FaultKind = "endless"
	// FaultShortPage drops the second half of the list without saying so, applied.
	FaultShortPage FaultKind = "short_page"
	// FaultRedirect answers 302 to Location.
	FaultRedirect FaultKind = "redirect"
	// FaultUnauthorized answers 401, as for a key that was rotated.
	FaultUnauthorized FaultKind = "unauthorized"
	// FaultRateLimit answers 429; with Quiet, without its headers.
	FaultRateLimit FaultKind = "rate_limit"
)

// Fault is an order to let answers go wrong.
type Fault struct {
	ID   int       `json:"id,omitempty"`
	Kind FaultKind `json:"kind"`
	// Route says which requests, as "GET /oncalls", "* /incidents/{id}" or
	// "* /*"; empty means all.
	Route string `json:"route,omitempty"`
	// Times is how often; 0 means until cleared.
	Times int `json:"times,omitempty"`
	// After lets that many matching requests pass first.
	After    int           `json:"after,omitempty"`
	Status   int           `json:"status,omitempty"`
	Code     int           `json:"code,omitempty"`
	Body     string        `json:"body,omitempty"`
	Location string        `json:"location,omitempty"`
	Delay    time.Duration `json:"delay_ns,omitempty"`
	Quiet    bool          `json:"quiet,omitempty"`
}

// liveFault is a fault that is waiting to be played; nil plays nothing.
type liveFault struct {
	Fault
	left int
}

// AddFault orders a fault and returns its number for ClearFault. When several
// match, the oldest is played.
func (a *Account) AddFault(f Fault) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lastFault++
	f.ID = a.lastFault
	a.faults = append(a.faults, &liveFault{Fault: f, left: f.Times})
	a.notify()
	return f.ID
}

// ClearFault ends a fault.
func (a *Account) ClearFault(id int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = slices.DeleteFunc(a.faults, func(f *liveFault) bool { return f.ID == id })
	a.notify()
}

// ClearFaults ends all faults.
func (a *Account) ClearFaults() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
	a.notify()
}

// Faults lists the faults that are still to be played.
func (a *Account) Faults() []Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []Fault{}
	for _, f := range a.faults {
		c := f.Fault
		c.Times = f.left
		out = append(out, c)
	}
	return out
}

func cut(route string) (method, pattern string) {
	method, pattern, _ = strings.Cut(route, " ")
	return method, pattern
}

// takeFault picks the fault for a request; the caller holds a.mu.
func (a *Account) takeFault(method, path string) *liveFault {
	for i, f := range a.faults {
		if f.Route != "" {
			m, pattern := cut(f.Route)
			if _, ok := match(pattern, path); !ok || m != "*" && m != method {
				continue
			}
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if f.Times > 0 {
			if f.left--; f.left == 0 {
				a.faults = slices.Delete(a.faults, i, i+1)
			}
		}
		return f
	}
	return nil
}

// early plays what happens before the account sees the request, and reports
// whether that was the answer.
func (f *liveFault) early(a *Account, w http.ResponseWriter, r *http.Request, e *Entry) bool {
	if f == nil {
		return false
	}
	if f.Delay > 0 {
		if err := a.opts.Pause(r.Context(), f.Delay); err != nil {
			a.finish(e, -1)
			panic(http.ErrAbortHandler)
		}
	}
	status, header, body := f.Status, http.Header{"Content-Type": {"application/json"}}, []byte(f.Body)
	switch f.Kind {
	case FaultDrop:
		a.finish(e, -1)
		panic(http.ErrAbortHandler)
	case FaultStatus:
		if f.Body == "" {
			body = encode(fail(f.Status, f.Code).body())
		}
	case FaultHTML:
		status, body = http.StatusOK, []byte("<!DOCTYPE html><title>Maintenance</title><p>We will be back soon.")
		header.Set("Content-Type", "text/html; charset=utf-8")
	case FaultRedirect:
		status, body = http.StatusFound, nil
		header.Set("Location", f.Location)
	case FaultUnauthorized:
		status, body = http.StatusUnauthorized, encode(fail(401, codeAuthFailed).body())
	case FaultRateLimit:
		status, body = http.StatusTooManyRequests, encode(fail(429, codeRateLimit).body())
		if !f.Quiet {
			header.Set("ratelimit-limit", "960")
			header.Set("ratelimit-remaining", "0")
			header.Set("ratelimit-reset", "20")
		}
	default:
		return false
	}
	if status == 0 {
		status = http.StatusInternalServerError
	}
	a.finish(e, status)
	a.send(w, header, status, body)
	return true
}

// late spoils the answer of a request that was handled.
func (f *liveFault) late(a *Account, w http.ResponseWriter, e *Entry, status int, raw []byte) bool {
	if f == nil || f.Kind == FaultDelay {
		return false
	}
	if f.Kind == FaultLostAnswer {
		a.finish(e, -1)
		panic(http.ErrAbortHandler)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	a.finish(e, status)
	switch f.Kind {
	case FaultMalformed:
		a.send(w, header, status, raw[:len(raw)/2])
	case FaultCutShort:
		header.Set("Content-Length", strconv.Itoa(len(raw)))
		a.send(w, header, status, raw[:len(raw)/2])
		if err := http.NewResponseController(w).Flush(); err != nil {
			a.opts.Log.Debug("flush", "err", err)
		}
		panic(http.ErrAbortHandler)
	default:
		a.send(w, header, status, f.spoil(raw))
	}
	return true
}

// spoil changes the list in an answer.
func (f *liveFault) spoil(raw []byte) []byte {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil {
		return raw
	}
	for name, v := range body {
		var list []json.RawMessage
		if err := json.Unmarshal(v, &list); err != nil || list == nil {
			continue
		}
		switch f.Kind {
		case FaultMissingKey:
			delete(body, name)
		case FaultNullList:
			body[name] = json.RawMessage("null")
		case FaultWrongType:
			body[name] = json.RawMessage(`"none"`)
		case FaultEmptyPage:
			body[name], body["more"] = json.RawMessage("[]"), json.RawMessage("true")
		case FaultShortPage:
			body[name] = encode(list[:len(list)/2])
		case FaultEndless:
			body["more"] = json.RawMessage("true")
		}
	}
	return encode(body)
}
