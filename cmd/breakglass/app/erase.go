package app

import (
	"errors"
	"net/http"
	"regexp"
	"time"

	"breakglass/flows"
)

// goodTicket is what an erasure may be filed under: it stands in the open, for good.
var goodTicket = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._/#-]{1,63}$`)

// ErasureBody proposes to erase a person.
type ErasureBody struct {
	Person string `json:"person"`
	Ticket string `json:"ticket"`
}

// ErasureAnswer is a proposal as it was made.
type ErasureAnswer struct {
	Code     string    `json:"code"`
	Lapses   time.Time `json:"lapses"`
	Values   int       `json:"values"`
	Requests int       `json:"requests"`
}

// proposeErasure asks the admins to erase a person, for who runs the server.
func (a *App) proposeErasure(w http.ResponseWriter, r *http.Request) {
	var in ErasureBody
	if !readBody(w, r, &in) {
		return
	}
	if !goodTicket.MatchString(in.Ticket) {
		answer(w, http.StatusBadRequest, map[string]any{"error": "Name the ticket that the erasure is filed under: letters, digits, spaces and . _ / # -, no names of people. Nothing was done."})
		return
	}
	p := flows.PersonID(in.Person)
	if p.Team() == "" || p.User() == "" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "Name the person by TEAM/USER. Nothing was done."})
		return
	}
	if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil { // it looks through everything
		a.log.WarnContext(r.Context(), "propose an erasure", "error", err)
	}
	x, foot, no, err := a.engine.ProposeErasure(r.Context(), p, in.Ticket, operator())
	switch {
	case errors.Is(err, flows.ErrReadOnly):
		answer(w, http.StatusServiceUnavailable, map[string]any{"error": "The database does not write. Nothing was done."})
	case err != nil:
		a.log.ErrorContext(r.Context(), "propose an erasure", "error", err)
		answer(w, http.StatusInternalServerError, map[string]any{"error": "Something broke; nothing was done. The server's log has the cause."})
	case no != nil:
		answer(w, http.StatusConflict, map[string]any{"error": no.Error(), "code": no.Code})
	default:
		answer(w, http.StatusOK, ErasureAnswer{Code: x.Code, Lapses: x.Lapses, Values: len(foot.Openings), Requests: len(foot.Requests)})
	}
}
