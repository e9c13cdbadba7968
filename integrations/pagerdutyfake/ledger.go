package pagerdutyfake

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Entry is one request as it was received. The token itself is not kept.
type Entry struct {
	Seq    int         `json:"seq"`
	At     time.Time   `json:"at"`
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Query  url.Values  `json:"query,omitempty"`
	Header http.Header `json:"header,omitempty"`
	// Key is the fingerprint of the token, see Fingerprint.
	Key  string `json:"key,omitempty"`
	Body string `json:"body,omitempty"`
	// Route is the door that answered; empty when refused before.
	Route string `json:"route,omitempty"`
	// Status is 0 while the request is being answered, and -1 when the
	// connection was dropped without an answer.
	Status   int           `json:"status"`
	Duration time.Duration `json:"duration_ns"`
	// InFlight is how many requests of the key were being answered when this
	// one came, itself included; PagerDuty asks for one at a time.
	InFlight int `json:"in_flight"`
	// Fault is the kind of the fault that was played, if one was.
	Fault FaultKind `json:"fault,omitempty"`
	// Violations are breaches of the API reference that got an answer anyway.
	Violations []string `json:"violations,omitempty"`
}

// ledger keeps the newest entries.
type ledger struct {
	size    int
	seq     int
	entries []*Entry
}

// Ledger lists the requests received after a sequence number; 0 means all
// that are kept.
func (a *Account) Ledger(after int) []Entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Entry
	for _, e := range a.ledger.entries {
		if e.Seq > after {
			c := *e
			c.Violations = slices.Clone(e.Violations)
			out = append(out, c)
		}
	}
	return out
}

// Count is how many requests to a route were received, as "GET /oncalls" or
// "PUT /incidents/{id}", whatever they got.
func (a *Account) Count(route string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	method, pattern := cut(route)
	n := 0
	for _, e := range a.ledger.entries {
		if _, ok := match(pattern, e.Path); ok && e.Method == method {
			n++
		}
	}
	return n
}

// Violations lists the requests that broke a rule of the API reference.
func (a *Account) Violations() []Entry {
	return slices.DeleteFunc(a.Ledger(0), func(e Entry) bool { return len(e.Violations) == 0 })
}

// arrive writes a request into the ledger and picks its fault.
func (a *Account) arrive(r *http.Request, body []byte) (*Entry, *liveFault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, token := presented(r.Header)
	header := r.Header.Clone()
	header.Del("Authorization")
	a.ledger.seq++
	e := &Entry{
		Seq: a.ledger.seq, At: a.opts.Now(), Method: r.Method, Path: r.URL.EscapedPath(),
		Query: r.URL.Query(), Header: header, Key: Fingerprint(token), Body: string(body),
	}
	a.inFlight[e.Key]++
	e.InFlight = a.inFlight[e.Key]
	a.ledger.entries = append(a.ledger.entries, e)
	if over := len(a.ledger.entries) - a.ledger.size; over > 0 {
		a.ledger.entries = slices.Delete(a.ledger.entries, 0, over)
	}
	fault := a.takeFault(r.Method, e.Path)
	if fault != nil {
		e.Fault = fault.Kind
	}
	a.notify()
	return e, fault
}

// finish writes how a request was answered, before the client sees it.
func (a *Account) finish(e *Entry, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Status, e.Duration = status, a.opts.Now().Sub(e.At)
	a.inFlight[e.Key]--
	a.notify()
	a.opts.Log.Debug("request", "method", e.Method, "path", e.Path, "status", status, "key", e.Key, "fault", e.Fault)
}
