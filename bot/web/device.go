package web

import (
	"net/http"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// loginPage is a machine that asks, or that was confirmed, or the form for its code.
type loginPage struct {
	Code      string
	Machine   *flows.Pass
	Confirmed *flows.Pass
}

// LoginPage is GET /login: a machine asks to act as whoever confirms it here. It shows
// which machine; nothing is confirmed by opening a link.
func (w *Web) LoginPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	code := r.URL.Query().Get("code")
	if code == "" {
		w.show(rw, r, c, http.StatusOK, "Confirm a machine", shown((*view).login, loginPage{}))
		return
	}
	p, err := w.o.Doors.Device(r.Context(), code)
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	w.show(rw, r, c, http.StatusOK, "Confirm a machine", shown((*view).login, loginPage{Code: code, Machine: &p}))
}

// LoginConfirm is POST /login.
func (w *Web) LoginConfirm(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	p, err := w.o.Doors.Confirm(r.Context(), *c, r.PostFormValue("code"))
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	w.show(rw, r, c, http.StatusOK, "Machine confirmed", shown((*view).login, loginPage{Confirmed: &p}))
}
