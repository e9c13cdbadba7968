package slackfake

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// method is one Web API method.
type method struct {
	perMinute int
	scopes    []string  // the token needs all of them
	kind      TokenKind // only this kind of token; empty: any
	open      bool      // needs no token
	run       func(*call) (map[string]any, *apiError)
}

// call is one call of a method, made with the workspace's lock held.
type call struct {
	*Workspace
	name  string
	args  args
	token Token
}

// apiError is an answer with ok false. detail is set when the app is to blame,
// which makes it a violation.
type apiError struct {
	code       string
	detail     string
	messages   []string // response_metadata.messages
	extra      map[string]any
	retryAfter int
}

// fails is an error that can happen to a correct app.
func fails(code string) *apiError { return &apiError{code: code} }

// wrong is an error that a correct app does not cause.
func wrong(code, format string, values ...any) *apiError {
	return &apiError{code: code, detail: fmt.Sprintf(format, values...)}
}

// response is what goes over the wire.
type response struct {
	status int
	header http.Header
	raw    []byte
	code   string // Slack's error code, for the ledger
	drop   bool   // close the connection instead
}

// maxBody bounds what is read of a request.
const maxBody = 4 << 20

// serveAPI answers one call of the Web API.
func (ws *Workspace) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/api/")
	ws.serve(w, r, name, func(body []byte) response {
		a, token, bad := parseArgs(r, body)
		return ws.answer(name, a, token, bad)
	})
}

// serve reads a request, applies the fault that is due, answers by do and
// records the exchange.
func (ws *Workspace) serve(w http.ResponseWriter, r *http.Request, kind string, do func(body []byte) response) {
	start := ws.opt.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "request body cannot be read", http.StatusBadRequest)
		return
	}
	fault := ws.faultFor(kind)
	ws.pause(fault.Delay, r.Context().Done())
	res, faulty := fault.instead()
	if !faulty {
		res = do(body)
	}
	res.drop = res.drop || fault.LoseAnswer
	ws.finish(w, r, Exchange{
		At: start, Took: ws.since(start), Direction: FromApp, Kind: kind, URL: r.URL.Path,
		RequestHeader: r.Header, RequestBody: string(body), Fault: fault.name(),
	}, res)
}

// finish records the exchange and writes the answer, in this order: what an
// app was told is in the ledger by the time it knows.
func (ws *Workspace) finish(w http.ResponseWriter, r *http.Request, e Exchange, res response) {
	if !res.drop {
		e.Status, e.ResponseBody, e.ResponseHeader = res.status, string(res.raw), res.header
	}
	e.Error = res.code
	ws.mu.Lock()
	ws.record(e)
	ws.mu.Unlock()
	if res.drop {
		panic(http.ErrAbortHandler) // net/http's way to close the connection without an answer
	}
	maps.Copy(w.Header(), res.header)
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(res.status)
	if _, err := w.Write(res.raw); err != nil {
		ws.opt.Log.Debug("the app did not wait for its answer", "kind", e.Kind, "url", r.URL.Path, "error", err)
	}
}

func (ws *Workspace) since(t time.Time) time.Duration { return ws.opt.Now().Sub(t) }

// answer judges a call in Slack's order (method, token, rate, scopes,
// arguments) and runs it.
func (ws *Workspace) answer(name string, a args, token string, bad *apiError) response {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var out map[string]any
	t, m, err := ws.admit(name, a, token, bad)
	if err == nil {
		out, err = m.run(&call{Workspace: ws, name: name, args: a, token: t})
	}
	header := http.Header{}
	if len(t.Scopes) > 0 {
		header.Set("X-OAuth-Scopes", strings.Join(t.Scopes, ","))
	}
	if len(m.scopes) > 0 {
		header.Set("X-Accepted-OAuth-Scopes", strings.Join(m.scopes, ","))
	}
	header.Set("X-Slack-Req-Id", ws.random(32, hexAlphabet))
	if err != nil {
		return ws.refuse(name, err, header)
	}
	if out == nil {
		out = map[string]any{}
	}
	out["ok"] = true
	if a.warning != "" {
		meta, _ := out["response_metadata"].(map[string]any)
		if meta == nil {
			meta = map[string]any{}
		}
		meta["warnings"] = []string{a.warning}
		out["warning"], out["response_metadata"] = a.warning, meta
	}
	return response{status: http.StatusOK, header: header, raw: encode(out)}
}

// admit lets a call in or says why not. Called with the lock held.
func (ws *Workspace) admit(name string, a args, token string, bad *apiError) (Token, method, *apiError) {
	m, known := ws.methods[name]
	if !known {
		e := wrong("unknown_method", "the simulator has no method %s", name)
		e.extra = map[string]any{"req_method": name}
		return Token{}, m, e
	}
	if bad != nil {
		return Token{}, m, bad
	}
	t, err := ws.authenticate(token)
	if m.open {
		return t, m, nil
	}
	if err != nil {
		return t, m, err
	}
	if wait := ws.limited(name, m.perMinute, a); wait > 0 {
		return t, m, &apiError{code: "ratelimited", retryAfter: wait}
	}
	return t, m, t.permit(m)
}

// refuse turns an error into an answer, and into a violation when the app is
// to blame. Called with the lock held.
func (ws *Workspace) refuse(name string, err *apiError, header http.Header) response {
	if err.detail != "" {
		ws.violate(err.code, name, "%s", err.detail)
	}
	out := map[string]any{"ok": false, "error": err.code}
	if len(err.messages) > 0 {
		out["response_metadata"] = map[string]any{"messages": err.messages}
		if err.code == "invalid_blocks" {
			out["errors"] = err.messages
		}
	}
	maps.Copy(out, err.extra)
	status := http.StatusOK
	if err.retryAfter > 0 {
		status = http.StatusTooManyRequests
		header.Set("Retry-After", strconv.Itoa(err.retryAfter))
	}
	return response{status: status, header: header, raw: encode(out), code: err.code}
}
