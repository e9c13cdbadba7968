package web

import (
	"net/http"

	"breakglass/flows/doors"
)

// LoginPage is GET /login: a machine asks to act as whoever confirms it here. It shows
// which machine; nothing is confirmed by opening a link.
func (w *Web) LoginPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	code := r.URL.Query().Get("code")
	if code == "" {
		w.show(rw, r, c, http.StatusOK, "login", "Confirm a machine", map[string]any{})
		return
	}
	p, err := w.o.Doors.Device(r.Context(), code)
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	w.show(rw, r, c, http.StatusOK, "login", "Confirm a machine", map[string]any{"Code": code, "Machine": p})
}

// LoginConfirm is POST /login.
func (w *Web) LoginConfirm(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	p, err := w.o.Doors.Confirm(r.Context(), *c, r.PostFormValue("code"))
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	w.show(rw, r, c, http.StatusOK, "login", "Machine confirmed", map[string]any{"Confirmed": p})
}
