package web

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/doors"
)

func escapePath(to string) string { return base64.RawURLEncoding.EncodeToString([]byte(to)) }

func unescapePath(s string) string {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return "/"
	}
	return local(string(b))
}

// toSignIn sends a browser without a session to sign in, and back to where it was going.
func (w *Web) toSignIn(rw http.ResponseWriter, r *http.Request) {
	to := "/"
	if r.Method == http.MethodGet {
		to = r.URL.RequestURI()
	}
	http.Redirect(rw, r, "/sign-in?to="+url.QueryEscape(local(to)), http.StatusSeeOther)
}

// SignInPage is GET /sign-in: who can vouch for the person.
func (w *Web) SignInPage(rw http.ResponseWriter, r *http.Request, _ *doors.Caller) {
	labels := map[flows.SignInProvider]string{flows.SignInCompany: "Sign in with your company account", flows.SignInSlack: "Sign in with Slack"}
	var choices []choice
	for _, p := range w.o.Providers {
		choices = append(choices, choice{
			Value: "/sign-in/" + string(p.Name()) + "?to=" + url.QueryEscape(local(r.URL.Query().Get("to"))), Label: labels[p.Name()],
		})
	}
	w.show(rw, r, nil, http.StatusOK, "Sign in", shown((*view).signIn, choices))
}

// SignInBegin is GET /sign-in/{provider}: off to the provider.
func (w *Web) SignInBegin(rw http.ResponseWriter, r *http.Request, _ *doors.Caller) {
	p := w.provider(chi.URLParam(r, "provider"))
	if p == nil {
		w.NotFound(rw, r, nil)
		return
	}
	var raw [32]byte
	w.o.Random(raw[:])
	a := attempt{provider: p.Name(), secret: base64.RawURLEncoding.EncodeToString(raw[:]), to: local(r.URL.Query().Get("to"))}
	away, err := p.Begin(r.Context(), a.secret, r.URL.Query().Get("fresh") != "")
	if err != nil {
		w.log.ErrorContext(r.Context(), "begin a sign-in", "provider", p.Name(), "error", err)
		w.fail(rw, r, http.StatusBadGateway, flows.Refuse(flows.RefusedCouldNotCheck, "The sign-in service does not answer just now. You were not signed in.").Then("Try again in a minute, or another way."))
		return
	}
	w.setCookie(rw, attemptCookie, a.String(), attemptLife)
	http.Redirect(rw, r, away, http.StatusSeeOther) //nolint:gosec // where the configured provider says
}

// notSignedIn is what every answer that is not believed gets: which check failed is for
// the log.
var notSignedIn = flows.Refuse(flows.RefusedNotAllowed, "The sign-in did not complete, so you were not signed in.").Then("Begin again from this browser.")

// SignInFinish is GET /sign-in/{provider}/callback: back from the provider.
func (w *Web) SignInFinish(rw http.ResponseWriter, r *http.Request, _ *doors.Caller) {
	p := w.provider(chi.URLParam(r, "provider"))
	if p == nil {
		w.NotFound(rw, r, nil)
		return
	}
	cookie, err := r.Cookie(w.cookieName(attemptCookie))
	w.setCookie(rw, attemptCookie, "", 0) // one try, good or bad
	var a attempt
	ok := err == nil
	if ok {
		a, ok = readAttempt(cookie.Value)
	}
	if !ok || a.provider != p.Name() {
		w.log.WarnContext(r.Context(), "a sign-in that this browser did not begin", "provider", p.Name(), "from", from(r))
		w.fail(rw, r, http.StatusBadRequest, notSignedIn)
		return
	}
	id, err := p.Finish(r.Context(), a.secret, r.URL.Query())
	if err != nil {
		w.log.WarnContext(r.Context(), "a sign-in was not believed", "provider", p.Name(), "from", from(r), "error", err)
		w.fail(rw, r, http.StatusBadRequest, notSignedIn)
		return
	}
	secret, _, err := w.o.Doors.SignIn(r.Context(), id, from(r), requestAt(a.to))
	if err != nil {
		w.signInRefused(rw, r, err)
		return
	}
	w.setCookie(rw, sessionCookie, secret, doors.SessionLife)
	http.Redirect(rw, r, a.to, http.StatusSeeOther)
}

// requestAt is the request whose page the path is; empty where it is another.
func requestAt(path string) flows.RequestID {
	id, is := strings.CutPrefix(path, "/requests/")
	if !is || strings.ContainsAny(id, "/?#") {
		return ""
	}
	return flows.RequestID(id)
}

func (w *Web) signInRefused(rw http.ResponseWriter, r *http.Request, err error) {
	if no, ok := flows.AsRefusal(err); ok {
		w.fail(rw, r, http.StatusForbidden, no)
		return
	}
	w.log.ErrorContext(r.Context(), "sign somebody in", "error", err)
	if errors.Is(err, flows.ErrReadOnly) {
		w.fail(rw, r, http.StatusServiceUnavailable, flows.Refuse(flows.RefusedEndOnly, "Nobody can sign in right now: the database does not write. You were not signed in."))
		return
	}
	w.fail(rw, r, http.StatusInternalServerError, fault)
}

// SignOut is POST /sign-out.
func (w *Web) SignOut(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	if err := w.o.Doors.End(r.Context(), *c, c.Pass.ID); err != nil {
		w.log.ErrorContext(r.Context(), "end a session", "error", err)
		w.fail(rw, r, http.StatusInternalServerError, fault)
		return
	}
	w.setCookie(rw, sessionCookie, "", 0)
	rw.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(rw, r, "/sign-in", http.StatusSeeOther)
}
