package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// sessionsPage is what acts as people.
type sessionsPage struct {
	Passes []flows.Pass
	Admin  bool // may see everybody's
}

// PassesPage is GET /sessions: where the person is signed in, and their tokens.
func (w *Web) PassesPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	all, err := w.o.Doors.List(r.Context(), *c, r.URL.Query().Get("all") != "")
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	w.show(rw, r, c, http.StatusOK, "Sessions and tokens", shown((*view).sessions, sessionsPage{all, c.Is(flows.RoleAdmin)}))
}

// PassEnd is POST /sessions/{id}/end.
func (w *Web) PassEnd(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	if err := w.o.Doors.End(r.Context(), *c, chi.URLParam(r, "id")); err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	http.Redirect(rw, r, "/sessions", http.StatusSeeOther)
}
