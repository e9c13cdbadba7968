package pagerdutyfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const maxBody = 1 << 20

// call is one request while it is being answered; a.mu is held.
type call struct {
	a    *Account
	q    url.Values
	vars map[string]string
	body []byte
	// actor is the id of the user who acts: of the token or of From.
	actor string
	now   time.Time
	loc   *time.Location
	entry *Entry
}

// answer is what a handler says; a nil body is sent as none.
type answer struct {
	status int
	body   any
}

func ok(body any) (answer, *apiError) { return answer{http.StatusOK, body}, nil }

// violation notes in the ledger that the client did what the API reference
// forbids although the answer does not show it.
func (c *call) violation(text string) { c.entry.Violations = append(c.entry.Violations, text) }

// decode reads a JSON body of the form {name: v}.
func (c *call) decode(name string, v any) *apiError {
	var outer map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &outer); err != nil {
		return fail(400, codeInvalidInput, "The body is not valid JSON")
	}
	raw, there := outer[name]
	if !there || string(raw) == "null" {
		return fail(400, codeMissingArguments, "Missing "+name)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fail(400, codeInvalidInput, name+" is malformed")
	}
	return nil
}

// serveREST takes a request through ledger, faults, limits and the route.
func (a *Account) serveREST(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	entry, fault := a.arrive(r, body)
	if fault.early(a, w, r, entry) {
		return
	}
	header := http.Header{}
	var ans answer
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		ans = failed(fail(http.StatusRequestEntityTooLarge, codeBadArguments, "The body is too large"))
	} else {
		ans = a.answer(r, body, entry, header)
	}
	raw := encode(ans.body)
	if fault.late(a, w, entry, ans.status, raw) {
		return
	}
	a.finish(entry, ans.status)
	header.Set("Content-Type", "application/json")
	a.send(w, header, ans.status, raw)
}

func failed(e *apiError) answer { return answer{e.status, e.body()} }

func encode(body any) []byte {
	if body == nil {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return []byte(`{"error":{"message":"` + codeMessages[codeInternal] + `","code":2000}}`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func (a *Account) send(w http.ResponseWriter, header http.Header, status int, raw []byte) {
	maps.Copy(w.Header(), header)
	if raw == nil {
		w.Header().Del("Content-Type")
	}
	w.Header().Set("Date", a.opts.Now().UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	if _, err := w.Write(raw); err != nil && len(raw) > 0 {
		a.opts.Log.Debug("answer not read", "err", err)
	}
}

// answer handles a request under the lock: key, limits, headers, route.
func (a *Account) answer(r *http.Request, body []byte, entry *Entry, header http.Header) answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	key, e := a.authenticate(r.Header)
	if e != nil {
		return failed(e)
	}
	rt, vars := a.find(r)
	if limited := a.count(key, rt, header); limited != nil {
		return failed(limited)
	}
	if rt == nil {
		return failed(fail(http.StatusNotFound, codeNotFound))
	}
	if e := key.allow(r.Method, rt.scope); e != nil {
		return failed(e)
	}
	c := &call{a: a, vars: vars, body: body, now: a.opts.Now(), loc: time.UTC, entry: entry, q: r.URL.Query()}
	c.entry.Route = rt.method + " " + rt.pattern
	if e := c.headers(r, key, rt); e != nil {
		return failed(e)
	}
	if tz := c.q.Get("time_zone"); tz != "" {
		loc, err := time.LoadLocation(tz)
		if err != nil {
			return failed(fail(400, codeInvalidInput, "time_zone is invalid"))
		}
		c.loc = loc
	}
	ans, e := rt.handle(c)
	if e != nil {
		return failed(e)
	}
	return ans
}

// headers checks what the API reference says each request must carry, and
// finds out who acts.
func (c *call) headers(r *http.Request, key *Key, rt *route) *apiError {
	unversioned := strings.HasPrefix(rt.pattern, "/v3/") || strings.HasSuffix(rt.pattern, "/values")
	typeless := len(c.body) == 0 && (unversioned || strings.HasPrefix(rt.pattern, "/webhook_subscriptions"))
	switch accept := r.Header.Get("Accept"); {
	case accept == "" && !unversioned:
		c.violation("Accept is missing: want application/vnd.pagerduty+json;version=2")
	case !strings.Contains(strings.ReplaceAll(accept, " ", ""), "application/vnd.pagerduty+json;version=2") && !unversioned:
		c.violation("Accept " + strconv.Quote(accept) + " does not ask for version 2")
	}
	if ct := r.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") && !typeless {
		c.violation("Content-Type is " + strconv.Quote(ct) + ": want application/json")
	}
	if key.Kind == KeyUser {
		c.actor = key.User
	}
	from := r.Header.Get("From")
	if from == "" {
		if rt.from && key.Kind == KeyUser {
			c.violation("From is missing: the API reference requires it")
		} else if rt.from {
			return fail(400, codeTimeout, "The From header is missing")
		}
		return nil
	}
	addr, err := mail.ParseAddress(from)
	if err != nil || addr.Address != from {
		return fail(400, codeMalformedFrom)
	}
	u := c.a.userByEmail(from)
	if u == nil {
		return fail(400, codeRequesterUnknown)
	}
	c.actor = u.ID
	return nil
}
