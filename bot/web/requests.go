package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// homePage is what waits for a person, and what they asked for.
type homePage struct{ Waiting, Reviews, Mine []card }

// Home is GET /: what waits for the person, and what they asked for.
func (w *Web) Home(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	waiting, err := w.waiting(r.Context(), c.Person)
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	mine, err := w.mine(r.Context(), c.Person)
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	reviews, err := w.reviews(r.Context(), c)
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	w.show(rw, r, c, http.StatusOK, "Requests", shown((*view).home, homePage{w.cards(c, waiting), w.cards(c, reviews), w.cards(c, mine)}))
}

// card is a request as pages show it.
type card struct {
	flows.Request
	Label    string // of the target
	HowTo    string
	Quorum   int
	MayVote  bool
	MayDrop  bool // cancel
	MayEnd   bool // done
	MayTake  bool // revoke
	MayLook  bool // review
	HighRisk bool
	StepUp   bool       // an approval needs a fresh sign-in, which the caller has not made yet
	Full     bool       // on its own page
	Calls    *callsPart // by its grant, on its own page; nil: none
}

func (w *Web) cards(c *doors.Caller, all []flows.Request) []card {
	out := make([]card, 0, len(all))
	for i := range all {
		out = append(out, w.card(c, all[i]))
	}
	return out
}

// card says what the caller could try; the engine has the last word.
func (w *Web) card(c *doors.Caller, r flows.Request) card {
	k := card{Request: r, Label: string(r.Content.Target)}
	if t := w.o.Catalog().Targets[r.Content.Target]; t != nil {
		k.Label, k.HowTo, k.HighRisk = t.Label, t.HowTo, t.HighRisk
		k.StepUp = t.StepUp && !doors.CanConfirm(c, r.ID, w.o.Clock.Now())
	}
	if s, ok := r.Current(); ok {
		k.Quorum = s.Quorum
	}
	own, granted := r.Own(c.Person), r.State == flows.StateGranting || r.State == flows.StateActive
	k.MayVote, k.MayLook = waitsFor(&r, c.Person), mayReview(c, &r)
	k.MayDrop = r.State.Undecided() && (own || c.Is(flows.RoleAdmin))
	k.MayEnd = own && granted
	k.MayTake = !own && (granted || r.State == flows.StateApproved) && (r.DecidedBy == c.Person || voted(&r, c.Person) || c.Is(flows.RoleAdmin))
	return k
}

// RequestPage is GET /requests/{id}.
func (w *Web) RequestPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	req, err := w.request(r.Context(), c, chi.URLParam(r, "id"))
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	k := w.card(c, req)
	k.Full = true
	calls, err := w.o.Archive.Calls(r.Context(), req.ID)
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	k.Calls = w.callsBy(&req, calls)
	w.show(rw, r, c, http.StatusOK, k.Label, shown((*view).request, &k))
}

// RequestAct is POST /requests/{id}: approve, deny, cancel, done, revoke, review.
func (w *Web) RequestAct(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxBody)
	id := chi.URLParam(r, "id")
	req, err := w.do(r.Context(), c, act{
		ID: id, Verb: flows.Verb(r.PostFormValue("step")), Hash: r.PostFormValue("hash"), Reason: r.PostFormValue("reason"), Verdict: flows.Verdict(r.PostFormValue("verdict")),
	})
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	http.Redirect(rw, r, "/requests/"+string(req.ID), http.StatusSeeOther)
}
