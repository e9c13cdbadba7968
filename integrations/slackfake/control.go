package slackfake

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// controlRoutes is the control API on one page: what a page, a script or
// another language's tests can set, do and read. Every door wants the token of
// this run, from this machine, under a loopback Host.
func (ws *Workspace) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]http.Handler{
		"GET /control/state":       readOnly(ws.controlState),
		"GET /control/changes":     http.HandlerFunc(ws.controlChanges),
		"GET /control/stream":      http.HandlerFunc(ws.controlStream),
		"GET /control/ledger":      http.HandlerFunc(ws.controlLedger),
		"GET /control/violations":  readOnly(ws.Violations),
		"GET /control/faults":      readOnly(ws.controlFaults),
		"DELETE /control/faults":   action(func(*http.Request, none) (none, error) { ws.ClearFaults(); return none{}, nil }),
		"POST /control/faults":     action(ws.controlFail),
		"POST /control/deliveries": action(ws.controlFailDelivery),
		"POST /control/replay":     action(ws.controlReplay),

		"DELETE /control/violations": action(func(*http.Request, none) (none, error) { ws.ClearViolations(); return none{}, nil }),

		"PUT /control/users/{id}":      action(ws.controlUser),
		"PUT /control/groups/{id}":     action(ws.controlGroup),
		"PUT /control/channels/{id}":   action(ws.controlChannel),
		"PUT /control/endpoints":       action(ws.controlEndpoints),
		"PUT /control/rate_limits":     action(ws.controlRateLimits),
		"PUT /control/tokens":          action(ws.controlToken),
		"PUT /control/signing_secret":  action(ws.controlSecret),
		"POST /control/events":         action(ws.controlEmit),
		"POST /control/events/verify":  action(func(*http.Request, none) (none, error) { return none{}, ws.VerifyEvents() }),
		"GET /control/messages/{chan}": http.HandlerFunc(ws.controlMessages),

		"GET /control/users/{id}/screen":            http.HandlerFunc(ws.controlScreen),
		"POST /control/users/{id}/slash":            action(ws.actSlash),
		"POST /control/users/{id}/click":            action(ws.actClick),
		"POST /control/users/{id}/dismiss":          action(ws.actDismiss),
		"POST /control/users/{id}/fill":             action(ws.actFill),
		"POST /control/users/{id}/suggest":          action(ws.actSuggest),
		"POST /control/users/{id}/submit":           action(ws.actSubmit),
		"POST /control/users/{id}/close":            action(ws.actClose),
		"POST /control/users/{id}/shortcut":         action(ws.actShortcut),
		"POST /control/users/{id}/message_shortcut": action(ws.actMessageShortcut),
		"POST /control/users/{id}/home":             action(ws.actHome),
		"POST /control/users/{id}/say":              action(ws.actSay),
	} {
		mux.Handle(pattern, h)
	}
	return ws.guard(mux)
}

// guard lets in only who is on this machine, names it as such, and knows the
// token.
func (ws *Workspace) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := []byte("Bearer " + ws.opt.ControlToken)
		got := []byte(r.Header.Get("Authorization"))
		switch {
		case ws.opt.ControlToken == "":
			writeError(w, http.StatusNotFound, errors.New("the control API is off: Options.ControlToken is empty"))
		case !loopback(r.RemoteAddr):
			writeError(w, http.StatusForbidden, errors.New("the control API answers on loopback only"))
		case !loopback(r.Host):
			writeError(w, http.StatusForbidden, fmt.Errorf("the Host %q is not loopback", r.Host))
		case subtle.ConstantTimeCompare(want, got) != 1:
			writeError(w, http.StatusUnauthorized, errors.New("the control token of this run is missing or wrong"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// loopback says whether an address, with or without a port, is this machine.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// none is a request or an answer with nothing in it.
type none struct{}

// action makes a handler of a function from one JSON value to another.
func action[Req, Res any](f func(*http.Request, Req) (Res, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req Req
		if r.ContentLength != 0 {
			dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
			dec.DisallowUnknownFields()
			dec.UseNumber()
			if err := dec.Decode(&req); err != nil {
				writeError(w, http.StatusBadRequest, fmt.Errorf("read the request: %w", err))
				return
			}
		}
		res, err := f(r, req)
		if err != nil {
			writeError(w, http.StatusUnprocessableEntity, err)
			return
		}
		writeJSON(w, http.StatusOK, res)
	})
}

// readOnly makes a handler of a getter.
func readOnly[Res any](f func() Res) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, f()) })
}

// problemJSON is a refusal of the control API. Code is set when the app failed.
type problemJSON struct {
	Error string `json:"error"`
	Code  string `json:"code,omitempty"`
}

func writeError(w http.ResponseWriter, status int, err error) {
	p := problemJSON{Error: err.Error()}
	if d, ok := errors.AsType[*DeliveryError](err); ok {
		status, p.Code = http.StatusBadGateway, d.Code
	}
	writeJSON(w, status, p)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // the client left: nobody to tell
}
