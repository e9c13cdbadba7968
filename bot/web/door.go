package web

import (
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Door is one HTTP door: where it is, who may enter, and what is behind it.
type Door struct {
	Method, Path string
	Who          Entry
	Doc          string // one line; an operation of the API has one
	handler      Handler
	operation    func(*Web, huma.API, Door) // instead of handler
	types        []string                   // of its answer, where that is no JSON
}

// IsOperation reports whether the door is described in the API's document.
func (d Door) IsOperation() bool { return d.operation != nil }

// Handler is what is behind a door. The caller is nil where anybody may enter.
type Handler func(w http.ResponseWriter, r *http.Request, c *doors.Caller)

// At is a door with a plain handler.
func At(method, path string, who Entry, h Handler) Door {
	return Door{Method: method, Path: path, Who: who, handler: h}
}

// Plain makes a handler of one that needs no caller.
func Plain(h http.HandlerFunc) Handler {
	return func(w http.ResponseWriter, r *http.Request, _ *doors.Caller) { h(w, r) }
}

// mount puts the doors into a router, each behind its entry.
func (w *Web) mount(r chi.Router, all []Door) {
	w.api = w.newAPI(r)
	for _, d := range all {
		if d.operation != nil {
			d.operation(w, w.api, d)
			continue
		}
		r.Method(d.Method, d.Path, w.enter(d))
	}
}

// Routes serves the doors behind what is around them, outermost first.
func (w *Web) Routes(all []Door, around ...func(http.Handler) http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(around...)
	w.mount(r, all)
	return r
}

// enter lets in whom the door is for.
func (w *Web) enter(d Door) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		c, err := w.admit(d, r)
		if err != nil {
			w.keepOut(rw, r, d, err)
			return
		}
		if d.Who.page {
			r.Body = http.MaxBytesReader(rw, r.Body, maxBody) // a form is read into memory
		}
		d.handler(rw, r, c)
	}
}

var tooFast = flows.Refuse(codeLimit, "These are too many calls in a minute. Nothing was done.").Then("Wait a while.")

// admit finds the caller and says whether the door is for them.
func (w *Web) admit(d Door, r *http.Request) (*doors.Caller, error) {
	if d.Who.open {
		if d.Who.slow && !w.strangers.allow(from(r)) {
			return nil, tooFast
		}
		return nil, nil
	}
	if d.Who.owner && w.o.Owner != nil {
		if c := w.o.Owner(r); c != nil {
			return c, nil
		}
	}
	c, err := w.caller(r, d.Who.most)
	if err != nil {
		if !w.strangers.allow(from(r)) { // nobody tries secrets one after the other
			return nil, tooFast
		}
		return nil, err
	}
	if !d.Who.free && !w.callers.allow(c.Pass.ID) {
		return nil, tooFast
	}
	if no := d.Who.admits(c, w.o.Clock.Now()); no != nil {
		return nil, no
	}
	return c, nil
}

// keepOut answers who may not enter.
func (w *Web) keepOut(rw http.ResponseWriter, r *http.Request, d Door, err error) {
	no, refused := flows.AsRefusal(err)
	unknown := errors.Is(err, doors.ErrUnknown) || errors.Is(err, doors.ErrWaiting)
	if !refused && !unknown {
		w.log.ErrorContext(r.Context(), "look a caller up", "path", d.Path, "error", err)
	}
	switch {
	case unknown && d.Who.page:
		w.toSignIn(rw, r)
	case d.Who.page && refused:
		w.fail(rw, r, statusOf(no.Code), no)
	case d.Who.page:
		w.fail(rw, r, http.StatusInternalServerError, fault)
	default:
		p := problemOf(err)
		if p.Status == http.StatusUnauthorized {
			rw.Header().Set("WWW-Authenticate", `Bearer realm="breakglass"`)
		}
		writeProblem(rw, p)
	}
}
