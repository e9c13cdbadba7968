package pagerdutyfake

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func isControl(path string) bool { return path == "/control" || strings.HasPrefix(path, "/control/") }

// controlHandler is the control API: the Go API over JSON, for loopback
// callers with the token of this run. It is no part of PagerDuty.
func (a *Account) controlHandler() http.Handler {
	mux := http.NewServeMux()
	do := func(pattern string, f func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			out, err := f(r)
			if err != nil {
				a.send(w, http.Header{"Content-Type": {"application/json"}}, http.StatusBadRequest, encode(obj{"error": err.Error()}))
				return
			}
			a.send(w, http.Header{"Content-Type": {"application/json"}}, http.StatusOK, encode(out))
		})
	}
	do("GET /control/state", func(*http.Request) (any, error) { return a.State(), nil })
	do("POST /control/setup", post(a.Load))
	do("POST /control/users", add(a.AddUser))
	do("DELETE /control/users/{id}", func(r *http.Request) (any, error) { return obj{"removed": a.RemoveUser(r.PathValue("id"))}, nil })
	do("POST /control/services", add(a.AddService))
	do("POST /control/schedules", add(a.AddSchedule))
	do("POST /control/policies", add(a.AddPolicy))
	do("POST /control/custom-fields", add(a.AddCustomField))
	do("POST /control/subscriptions", add(a.Subscribe))
	do("POST /control/on-call", post(a.setOnCall))
	do("POST /control/schedules/{id}/overrides", a.controlOverride)
	do("DELETE /control/schedules/{id}/overrides/{override}", func(r *http.Request) (any, error) {
		return obj{}, a.RemoveOverride(r.PathValue("id"), r.PathValue("override"))
	})
	do("POST /control/incidents", a.controlTrigger)
	do("POST /control/incidents/{id}/{verb}", a.controlIncident)
	a.controlWire(do)
	return a.guard(mux)
}

// controlWire are the parts of the control API about keys, faults and wires.
func (a *Account) controlWire(do func(string, func(*http.Request) (any, error))) {
	do("POST /control/keys", post(func(k Key) error { a.AddKey(k); return nil }))
	do("POST /control/keys/rotate", post(a.rotate))
	do("GET /control/faults", func(*http.Request) (any, error) { return a.Faults(), nil })
	do("POST /control/faults", add(func(f Fault) (obj, error) { return obj{"id": a.AddFault(f)}, nil }))
	do("DELETE /control/faults", func(*http.Request) (any, error) { a.ClearFaults(); return obj{}, nil })
	do("DELETE /control/faults/{id}", func(r *http.Request) (any, error) {
		n, err := strconv.Atoi(r.PathValue("id"))
		a.ClearFault(n)
		return obj{}, err
	})
	do("GET /control/ledger", func(r *http.Request) (any, error) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		return a.Ledger(after), nil
	})
	do("GET /control/violations", func(*http.Request) (any, error) { return a.Violations(), nil })
	do("GET /control/deliveries", func(*http.Request) (any, error) { return a.Deliveries(), nil })
	do("POST /control/webhooks", post(a.setWebhooks))
	do("POST /control/webhooks/{id}/replay", func(r *http.Request) (any, error) {
		status, err := a.Replay(r.Context(), r.PathValue("id"))
		return obj{"status": status}, err
	})
	do("POST /control/subscriptions/{id}/forge", a.controlForge)
	do("POST /control/subscriptions/{id}/rotate-secret", func(r *http.Request) (any, error) {
		secret, err := a.RotateWebhookSecret(r.PathValue("id"))
		return obj{"secret": secret}, err
	})
	do("POST /control/subscriptions/{id}/drop-old-secrets", func(r *http.Request) (any, error) {
		return obj{}, a.DropOldWebhookSecrets(r.PathValue("id"))
	})
}

// guard lets in loopback callers that named a loopback host (a browser lured
// by a foreign name does not) and know the token.
func (a *Account) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _, _ := net.SplitHostPort(r.RemoteAddr)
		scheme, token := presented(r.Header)
		header := http.Header{"Content-Type": {"application/json"}}
		switch {
		case a.opts.ControlToken == "":
			a.send(w, header, http.StatusNotFound, encode(obj{"error": "the control API is not open: start with a control token"}))
		case !isLoopback(caller) || !isLoopback(hostOnly(r.Host)):
			a.send(w, header, http.StatusForbidden, encode(obj{"error": "the control API answers on loopback only"}))
		case scheme != "Bearer" || !sameToken(token, a.opts.ControlToken):
			a.send(w, header, http.StatusUnauthorized, encode(obj{"error": "send the control token of this run as Authorization: Bearer"}))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func read(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("body of %s %s: %w; nothing was changed", r.Method, r.URL.Path, err)
	}
	return nil
}

func add[In, Out any](f func(In) (Out, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var in In
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return f(in)
	}
}

func post[In any](f func(In) error) func(*http.Request) (any, error) {
	return add(func(in In) (obj, error) { return obj{}, f(in) })
}

func (a *Account) controlOverride(r *http.Request) (any, error) {
	var o Override
	if err := read(r, &o); err != nil {
		return nil, err
	}
	return a.AddOverride(r.PathValue("id"), o)
}

func (a *Account) setOnCall(in struct {
	Policy string    `json:"policy"`
	Level  int       `json:"level"`
	Users  []string  `json:"users"`
	Since  time.Time `json:"since"`
}) error {
	if in.Since.IsZero() {
		return a.SetOnCall(in.Policy, in.Level, in.Users...)
	}
	return a.SetOnCallSince(in.Policy, in.Level, in.Since, in.Users...)
}

func (a *Account) rotate(in struct {
	Old string `json:"old"`
	New string `json:"new"`
}) error {
	if !a.RotateKey(in.Old, in.New) {
		return fmt.Errorf("rotate key: the old key is not known")
	}
	return nil
}

func (a *Account) setWebhooks(in struct {
	Hold      *bool `json:"hold"`
	Shuffle   bool  `json:"shuffle"`
	Duplicate *int  `json:"duplicate"`
}) error {
	if in.Duplicate != nil {
		a.DuplicateWebhooks(*in.Duplicate)
	}
	switch {
	case in.Hold == nil:
	case *in.Hold:
		a.HoldWebhooks()
	default:
		a.ReleaseWebhooks(in.Shuffle)
	}
	return nil
}

func (a *Account) controlForge(r *http.Request) (any, error) {
	var in struct {
		Kind     Forgery `json:"kind"`
		Event    string  `json:"event"`
		Incident string  `json:"incident"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	status, err := a.Forge(r.Context(), r.PathValue("id"), in.Kind, in.Event, in.Incident)
	return obj{"status": status}, err
}

func (a *Account) controlTrigger(r *http.Request) (any, error) {
	var in struct {
		Service  string `json:"service"`
		Title    string `json:"title"`
		Assignee string `json:"assignee"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return a.Trigger(in.Service, in.Title, in.Assignee)
}

func (a *Account) controlIncident(r *http.Request) (any, error) {
	var in struct {
		User     string   `json:"user"`
		Users    []string `json:"users"`
		Into     string   `json:"into"`
		Content  string   `json:"content"`
		Priority string   `json:"priority"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	var err error
	switch verb := r.PathValue("verb"); verb {
	case "acknowledge":
		err = a.Acknowledge(id, in.User)
	case "resolve":
		err = a.Resolve(id, in.User)
	case "reopen":
		err = a.Reopen(id, in.User)
	case "reassign":
		err = a.Reassign(id, in.User, in.Users...)
	case "merge":
		err = a.Merge(id, in.Into, in.User)
	case "note":
		_, err = a.AddNote(id, in.User, in.Content)
	case "priority":
		err = a.SetPriority(id, in.User, in.Priority)
	default:
		err = fmt.Errorf("unknown verb %q: want acknowledge, resolve, reopen, reassign, merge, note or priority", verb)
	}
	i, _ := a.Incident(id)
	return i, err
}
