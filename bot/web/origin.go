package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// adapterRoot is where adapters are called.
const adapterRoot = "/v1/apis/http/"

// pageModule is the script that pages of other origins load.
const pageModule = "/assets/atlas.js"

// What a page of another origin may send, and see of an answer.
const (
	pageMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	pageHeaders = "Authorization, Accept, Accept-Language, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Range, X-Request-Id"
	pageSees    = "Breakglass-Answer, Content-Range, ETag, Link, Location, Ratelimit-Limit, Ratelimit-Remaining, Ratelimit-Reset, Retry-After, X-Request-Id"
)

// FromPages lets pages of the origins that an adapter lists call it, by a token in a
// header; a browser's own cookie is not looked at then. Everything else of another site
// is kept out by protect.
func (w *Web) FromPages(protect func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		protected := protect(next)
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			origin := r.Header.Get("Origin")
			switch {
			case origin == "" || !w.listed(origin, r.URL.Path):
				protected.ServeHTTP(rw, r)
				return
			case r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "":
				w.preflight(rw, origin)
				return
			}
			h := rw.Header()
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", pageSees)
			h.Add("Vary", "Origin")
			if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
				next.ServeHTTP(rw, r)
				return
			}
			protected.ServeHTTP(rw, r)
		})
	}
}

func (w *Web) preflight(rw http.ResponseWriter, origin string) {
	h := rw.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", pageMethods)
	h.Set("Access-Control-Allow-Headers", pageHeaders)
	h.Set("Access-Control-Max-Age", "300")
	h.Add("Vary", "Origin")
	rw.WriteHeader(http.StatusNoContent)
}

// listed reports whether pages of an origin may ask for a path: calls to an adapter that
// lists it, and the module for them.
func (w *Web) listed(origin, path string) bool {
	if path == pageModule {
		return len(w.adaptersFor(origin)) > 0
	}
	rest, ok := strings.CutPrefix(path, adapterRoot)
	if !ok {
		return false
	}
	name, _, _ := strings.Cut(rest, "/")
	a := w.o.Catalog().Adapters[flows.AdapterID(name)]
	return a != nil && slices.Contains(a.Origins, origin)
}

// adaptersFor are the adapters that list an origin.
func (w *Web) adaptersFor(origin string) []flows.AdapterID {
	var out []flows.AdapterID
	for id, a := range w.o.Catalog().Adapters {
		if slices.Contains(a.Origins, origin) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// elsewhere refuses a pass that was made for a page, where something else uses it.
func (w *Web) elsewhere(r *http.Request, p *flows.Pass) error {
	origin := doors.PageOf(p)
	if origin == "" || r.Header.Get("Origin") == origin && r.URL.Path != pageModule && w.listed(origin, r.URL.Path) {
		return nil
	}
	return flows.Refuse(flows.RefusedNotAllowed, "This token is for calls to adapters by the page at %s. Nothing was done.", origin)
}

// letInPage is a page of another origin that asks, or was let in.
type letInPage struct {
	Origin   string
	Adapters []flows.AdapterID
	Life     time.Duration
	Secret   string
	Until    time.Time
}

// PageAsks is GET /pages: a page of another origin asks to call adapters as whoever
// says yes here.
func (w *Web) PageAsks(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	origin := r.URL.Query().Get("origin")
	adapters := w.adaptersFor(origin)
	if len(adapters) == 0 {
		w.failBy(rw, r, c, flows.Refuse(flows.RefusedNotAllowed, "No adapter lists the page that asks, so it was not let in.").Then("An operator adds its origin to the adapter."))
		return
	}
	w.show(rw, r, c, http.StatusOK, "Let a page in", shown((*view).letIn, letInPage{Origin: origin, Adapters: adapters, Life: doors.PageLife}))
}

// PageLetIn is POST /pages: the person said yes. The token goes to the page that asked,
// and to no other.
func (w *Web) PageLetIn(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	origin := r.PostFormValue("origin")
	if len(w.adaptersFor(origin)) == 0 {
		w.PageAsks(rw, r, c)
		return
	}
	secret, p, err := w.o.Doors.PageToken(r.Context(), *c, origin)
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	w.show(rw, r, c, http.StatusOK, "The page was let in", shown((*view).wasLetIn, letInPage{Origin: origin, Secret: secret, Until: p.ExpiresAt, Life: doors.PageLife}))
}
