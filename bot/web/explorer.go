package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Adapters are the adapters, as the page tries them.
type Adapters interface {
	// Ahead says what would become of a call, and makes none.
	Ahead(ctx context.Context, c *doors.Caller, method, uri string) Verdict
	// Serve makes a call.
	Serve(rw http.ResponseWriter, r *http.Request, c *doors.Caller)
}

// Verdict is what would become of a call.
type Verdict struct {
	Rule     string          // that lets it through, or would with a grant
	Target   flows.TargetID  // whose rule it is; empty: the adapter's own, or none
	Request  flows.RequestID // the grant that opens it
	Incident flows.IncidentID
	Ends     time.Time
	No       *flows.Refusal // why it is not let through; nil: it is
}

// Asks reports whether a grant would open it.
func (v Verdict) Asks() bool { return v.No != nil && v.Target != "" }

// trial is a call that somebody tries.
type trial struct {
	Adapter flows.AdapterID
	Method  string
	Path    string // below the adapter, with its query
	Body    string
}

// uri is where the call goes.
func (t trial) uri() string {
	return adapterRoot + string(t.Adapter) + "/" + strings.TrimPrefix(t.Path, "/")
}

func (t trial) reads() bool { return t.Method == http.MethodGet || t.Method == http.MethodHead }

// explorerPage is what there is, a call, what would become of it, and its answer.
type explorerPage struct {
	Offers  []offer
	Trial   trial
	Verdict *Verdict
	Label   string // of the target whose rule it is
	Answer  *echo
}

// offer is an adapter as the page lists it.
type offer struct {
	Name    flows.AdapterID
	BaseURL string
	Open    []flows.Rule
	Targets []flows.AdapterTarget
}

// AdaptersPage is GET /adapters: pick an adapter, write a call, and see what its rules and
// the person's grants say about it, before anything is sent.
func (w *Web) AdaptersPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	q := r.URL.Query()
	w.adapters(rw, r, c, trial{Adapter: flows.AdapterID(q.Get("adapter")), Method: q.Get("method"), Path: q.Get("path")}, nil)
}

// AdapterCall is POST /adapters: the call is made, as any other.
func (w *Web) AdapterCall(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	t := trial{Adapter: flows.AdapterID(r.PostFormValue("adapter")), Method: r.PostFormValue("method"), Path: r.PostFormValue("path"), Body: r.PostFormValue("body")}
	w.adapters(rw, r, c, t, w.try(r, c, t))
}

// adapters shows the page: what there is, the call, and its answer if it was made.
func (w *Web) adapters(rw http.ResponseWriter, r *http.Request, c *doors.Caller, t trial, answer *echo) {
	cat := w.o.Catalog()
	var offers []offer
	for _, id := range slices.Sorted(maps.Keys(cat.Adapters)) {
		offers = append(offers, offer{Name: id, BaseURL: cat.Adapters[id].BaseURL, Open: cat.Adapters[id].Allow, Targets: cat.AdapterTargets[id]})
	}
	if t.Adapter == "" && len(offers) > 0 {
		t.Adapter = offers[0].Name
	}
	if t.Method == "" {
		t.Method = http.MethodGet
	}
	page := explorerPage{Offers: offers, Trial: t, Answer: answer}
	if t.Path != "" {
		v := w.o.Adapters.Ahead(r.Context(), c, t.Method, t.uri())
		if spec := cat.Targets[v.Target]; spec != nil {
			page.Label = spec.Label
		}
		page.Verdict = &v
	}
	w.show(rw, r, c, http.StatusOK, "Adapters", shown((*view).adapters, page))
}

// try makes a call in the name of the person, as one of our own pages.
func (w *Web) try(r *http.Request, c *doors.Caller, t trial) *echo {
	e := &echo{header: http.Header{}}
	u, err := url.ParseRequestURI(t.uri())
	if err != nil {
		e.Broken = "This is no path; nothing was sent."
		return e
	}
	in := (&http.Request{
		Method: t.Method, URL: u, RequestURI: t.uri(), Host: r.Host, RemoteAddr: r.RemoteAddr, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Sec-Fetch-Site": {"same-origin"}, "Accept": {"application/json"}, "Content-Type": {"application/json"}},
		Body:   http.NoBody,
	}).WithContext(r.Context())
	if t.Body != "" {
		in.Body, in.ContentLength = readCloser(t.Body), int64(len(t.Body))
	}
	begun := w.o.Clock.Now()
	e.serve(w.o.Adapters, in, c)
	e.Took = w.o.Clock.Now().Sub(begun)
	return e
}
