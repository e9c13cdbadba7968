package app

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"breakglass/flows"
	"breakglass/flows/people"
)

// PeopleBody is what a command says about who is who, through the door file.
type PeopleBody struct {
	Wishes    []people.Wish    `json:"wishes,omitempty"` // import
	Source    flows.LinkSource `json:"source,omitempty"`
	Dry       bool             `json:"dry_run,omitempty"`
	Replace   bool             `json:"replace,omitempty"`
	Confirm   bool             `json:"confirm,omitempty"`
	Unchecked bool             `json:"unchecked,omitempty"`
	Person    string           `json:"person,omitempty"`  // confirm, unlink
	SignIn    bool             `json:"sign_in,omitempty"` // unlink: the company sign-in alone
	Moved     people.Move      `json:"moved,omitzero"`    // moved: the company's e-mail domain
}

// mostPeople bounds the body of an import: 50,000 lines are less.
const mostPeople = 32 << 20

// importPeople links people, for who runs the server. It may have to ask Slack and
// PagerDuty about thousands of them, so it has its time.
func (a *App) importPeople(w http.ResponseWriter, r *http.Request) {
	a.takesLong(w, r)
	in, ok := peopleBody(w, r)
	if !ok {
		return
	}
	if in.Source != flows.LinkByImport {
		in.Source = flows.LinkByCommand
	}
	report, err := a.who.Import(r.Context(), operator(), in.Wishes, people.ImportOptions{
		Source: in.Source, Dry: in.Dry, Replace: in.Replace, Confirm: in.Confirm, Unchecked: in.Unchecked,
	})
	if err != nil {
		a.peopleFault(w, r, err)
		return
	}
	answer(w, http.StatusOK, report)
}

// takesLong gives an order about everybody its time.
func (a *App) takesLong(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	if err := errors.Join(out.SetWriteDeadline(time.Time{}), out.SetReadDeadline(time.Time{})); err != nil {
		a.log.WarnContext(r.Context(), "a long answer may be cut off", "error", err)
	}
}

// movePeople confirms the links of which only the e-mail domain changed, for who runs the
// server.
func (a *App) movePeople(w http.ResponseWriter, r *http.Request) {
	a.takesLong(w, r)
	in, ok := peopleBody(w, r)
	if !ok {
		return
	}
	report, no, err := a.who.Moved(r.Context(), in.Moved, in.Dry, operator())
	switch {
	case err != nil:
		a.peopleFault(w, r, err)
	case no != nil:
		answer(w, http.StatusConflict, map[string]any{"error": no.Error(), "code": no.Code})
	default:
		answer(w, http.StatusOK, report)
	}
}

// confirmPerson confirms a link, or lifts what set it aside, for who runs the server.
func (a *App) confirmPerson(w http.ResponseWriter, r *http.Request) {
	a.aboutPerson(w, r, func(who flows.PersonID, _ PeopleBody) (*flows.Refusal, error) {
		return a.who.Confirm(r.Context(), who, operator(), flows.Finish{})
	}, "confirmed")
}

// unlinkPerson takes a link or a pinned sign-in away, for who runs the server.
func (a *App) unlinkPerson(w http.ResponseWriter, r *http.Request) {
	a.aboutPerson(w, r, func(who flows.PersonID, in PeopleBody) (*flows.Refusal, error) {
		if in.SignIn {
			return a.who.Unpin(r.Context(), who, operator())
		}
		return a.who.Unlink(r.Context(), who, operator(), flows.Finish{})
	}, "unlinked")
}

func (a *App) aboutPerson(w http.ResponseWriter, r *http.Request, do func(flows.PersonID, PeopleBody) (*flows.Refusal, error), state string) {
	in, ok := peopleBody(w, r)
	if !ok {
		return
	}
	who, err := a.called(in.Person)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": err.Error() + ". Nothing was changed."})
		return
	}
	no, err := do(who, in)
	switch {
	case err != nil:
		a.peopleFault(w, r, err)
	case no != nil:
		answer(w, http.StatusConflict, map[string]any{"error": no.Error(), "code": no.Code})
	default:
		answer(w, http.StatusOK, map[string]any{"state": state, "person": who})
	}
}

func peopleBody(w http.ResponseWriter, r *http.Request) (in PeopleBody, ok bool) {
	if err := json.NewDecoder(io.LimitReader(r.Body, mostPeople)).Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "The body is not JSON, or too long. Nothing was done."})
		return in, false
	}
	return in, true
}

func (a *App) peopleFault(w http.ResponseWriter, r *http.Request, err error) {
	a.log.ErrorContext(r.Context(), "change who is who", "error", err)
	status, says := http.StatusInternalServerError, "Something broke; nothing was changed. The server's log has the cause."
	var later *flows.Temporary
	switch {
	case errors.Is(err, flows.ErrReadOnly):
		status, says = http.StatusServiceUnavailable, "The database does not write. Nothing was changed."
	case errors.As(err, &later):
		status, says = http.StatusBadGateway, "Slack or PagerDuty did not say how the accounts are. Nothing was changed. Try again in a minute, or say --unchecked to link without asking them."
	}
	answer(w, status, map[string]any{"error": says})
}
