package oidcfake

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// page is where somebody says who they are: the simulated provider asks for no password.
// It is written by hand, as html/template would weigh more than all else in the demo.
func page(query string, users []User) string {
	var b strings.Builder
	b.WriteString(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated sign-in</title><link rel="icon" href="data:,">
<style>body{font:16px system-ui;max-width:26rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}button{display:block;width:100%;padding:.7rem;margin:.5rem 0;text-align:left;font:inherit}</style>
<h1>Who are you?</h1><p>A simulated company sign-in: nothing here is real.</p>
<form method="post" action="/authorize?` + html.EscapeString(query) + `">`)
	for _, u := range users {
		fmt.Fprintf(&b, "\n<button name=\"subject\" value=\"%s\">%s <small>%s</small></button>", html.EscapeString(u.Subject), html.EscapeString(u.Name), html.EscapeString(u.Email))
	}
	b.WriteString(`
<button name="deny" value="1">Nobody (deny)</button></form></html>
`)
	return b.String()
}

// check holds what the browser brought to what a strict provider takes. The lock is held.
func (p *Provider) check(q url.Values) (redirect string, err error) {
	redirect = q.Get("redirect_uri")
	switch {
	case q.Get("client_id") != p.o.ClientID:
		return "", p.wrong("authorize: unknown client %q", q.Get("client_id"))
	case !p.redirects[redirect]:
		return "", p.wrong("authorize: the redirect %q is not registered", redirect)
	case q.Get("response_type") != "code":
		return "", p.wrong("authorize: response_type is not code")
	case len(q.Get("state")) < 22:
		return "", p.wrong("authorize: no state that could not be guessed")
	case len(q.Get("nonce")) < 22:
		return "", p.wrong("authorize: no nonce that could not be guessed")
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		return "", p.wrong("authorize: no PKCE challenge by S256")
	}
	return redirect, nil
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	_, err := p.check(r.URL.Query())
	users := append([]User(nil), p.users...)
	p.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, page(r.URL.RawQuery, users)) // the browser has gone
}

// picked sends the browser back, with a code for who was picked.
func (p *Provider) picked(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	code, err := p.text()
	if err != nil {
		http.Error(w, "no randomness", http.StatusInternalServerError)
		return
	}
	p.mu.Lock()
	redirect, err := p.check(q)
	var found *User
	for i := range p.users {
		if p.users[i].Subject == r.PostFormValue("subject") {
			found = &p.users[i]
		}
	}
	if err == nil && found != nil {
		p.codes[code] = &grant{
			user: *found, redirect: redirect, challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), at: p.now(),
		}
	}
	p.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.url}}
	if found == nil || r.PostFormValue("deny") != "" {
		back.Set("error", "access_denied")
	} else {
		back.Set("code", code)
	}
	http.Redirect(w, r, redirect+"?"+back.Encode(), http.StatusSeeOther)
}
