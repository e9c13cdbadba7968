package web

import (
	"bytes"
	"embed"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"breakglass/flows"
	"breakglass/flows/doors"
)

//go:embed assets/*
var files embed.FS

// The pages are the .templ files, compiled by go generate: html/template calls methods by
// name, for which the linker has to keep every method there is, 6 MB of them.
//
//go:generate ../../.ci/bin/templ generate -include-version=false

// view is what every page is made of. Each page is a method of it in a .templ file, where
// everything is escaped.
type view struct {
	Title     string
	Caller    *doors.Caller // nil before sign-in
	Name      string        // of the caller
	Path      string
	Simulated bool
	Now       time.Time
	name      func(flows.PersonID) string
}

// shown is one of view's pages with what it shows.
func shown[T any](of func(*view, T) templ.Component, data T) func(*view) templ.Component {
	return func(v *view) templ.Component { return of(v, data) }
}

// policy lets pages have nothing but the console's own styles, scripts and forms.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// show writes a page.
func (w *Web) show(rw http.ResponseWriter, r *http.Request, c *doors.Caller, status int, title string, page func(*view) templ.Component) {
	v := &view{Title: title, Caller: c, Path: r.URL.Path, Now: w.o.Clock.Now(), name: w.name}
	if cat := w.o.Catalog(); cat != nil {
		v.Simulated = cat.World == flows.WorldSimulated
	}
	if c != nil {
		v.Name = w.name(c.Person)
	}
	var out bytes.Buffer
	if err := v.layout(page(v)).Render(r.Context(), &out); err != nil {
		w.log.ErrorContext(r.Context(), "make a page", "page", title, "error", err)
		http.Error(rw, "Something broke; the server's log has the cause.", http.StatusInternalServerError)
		return
	}
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	rw.WriteHeader(status)
	_, _ = out.WriteTo(rw) // the browser has gone
}

// fault is what people read where something broke.
var fault = flows.Refuse("fault", "Something broke, and nothing was done.").Then("Try again; the server's log has the cause.")

// fail writes a page that says no, to somebody who is not known.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, status int, no *flows.Refusal) {
	w.show(rw, r, nil, status, "Not done", shown((*view).refused, no))
}

// failBy writes a page that says no to a caller, for whatever reason.
func (w *Web) failBy(rw http.ResponseWriter, r *http.Request, c *doors.Caller, err error) {
	no, ok := flows.AsRefusal(err)
	if !ok {
		w.log.ErrorContext(r.Context(), "answer a page", "path", r.URL.Path, "error", err)
		no = fault
	}
	w.show(rw, r, c, statusOf(no.Code), "Not done", shown((*view).refused, no))
}

// NotFound answers for pages that there are none of.
func (w *Web) NotFound(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	w.show(rw, r, c, http.StatusNotFound, "Not found", shown((*view).refused, flows.Refuse("not_found", "There is no such page.")))
}

// Asset is GET /assets/{file}: styles and scripts.
func (w *Web) Asset(rw http.ResponseWriter, r *http.Request, _ *doors.Caller) {
	rw.Header().Set("Cache-Control", "public, max-age=300")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path == pageModule {
		rw.Header().Set("Vary", "Origin")
	}
	http.ServeFileFS(rw, r, files, "assets/"+path.Base(r.URL.Path))
}

var (
	slackDate    = regexp.MustCompile(`<!date\^\d+\^[^|>]*\|([^>]*)>`)
	slackMention = regexp.MustCompile(`<@([A-Z0-9]+|erased/[A-Z0-9]+)>`)
)

// sentence is one of our own, with its markers turned into words.
func sentence(s string, name func(flows.PersonID) string) string {
	return slackMention.ReplaceAllStringFunc(slackDate.ReplaceAllString(s, "$1"), func(m string) string {
		return name(flows.PersonID(m[2 : len(m)-1]))
	})
}

func (v *view) sentence(s string) string { return sentence(s, v.name) }

// capital begins a sentence: what a module says goes on where it was begun in other places.
func capital(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

func (v *view) people(all []flows.PersonID) string {
	out := make([]string, 0, len(all))
	for _, p := range all {
		out = append(out, v.name(p))
	}
	return strings.Join(out, ", ")
}

// seesAll reports whether the caller sees the whole past.
func (v *view) seesAll() bool {
	return v.Caller != nil && (v.Caller.Is(flows.RoleAuditor) || v.Caller.Is(flows.RoleAdmin))
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func date(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// under reports whether a path is base or lies below it.
func under(at, base string) bool { return at == base || strings.HasPrefix(at, base+"/") }

// numbered is the number of an incident before its title.
func numbered(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("#%d ", n)
}

func times(n int) string {
	if n == 1 {
		return "1 time"
	}
	return fmt.Sprintf("%d times", n)
}

// stateOf is a request's state in words.
func stateOf(s flows.State, overdue bool) string {
	if overdue {
		return string(s) + ", overdue"
	}
	return string(s)
}

// tone is the colour of a state.
func tone(s flows.State) string {
	switch s {
	case flows.StateSubmitted, flows.StatePending:
		return "waiting"
	case flows.StateApproved, flows.StateGranting, flows.StateActive:
		return "good"
	case flows.StateEnding:
		return "busy"
	case flows.StateDenied, flows.StateFailed:
		return "bad"
	}
	return "over"
}
