package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

//go:embed templates/*.html assets/*
var files embed.FS

// pages are the templates, each with the layout around it, read when first shown: most
// of the time nobody looks. A page is a file templates/NAME.html that defines "main";
// show makes it. parts.html is what several use.
type pages struct {
	mu     sync.Mutex
	byName map[string]*template.Template
}

func newPages() *pages { return &pages{byName: map[string]*template.Template{}} }

// page reads a page, once.
func (p *pages) page(name string) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.byName[name]; t != nil {
		return t, nil
	}
	t, err := template.New("layout.html").Funcs(words(func(flows.PersonID) string { return "" })).
		ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
	if err != nil {
		return nil, fmt.Errorf("read the page %s: %w", name, err)
	}
	p.byName[name] = t
	return t, nil
}

// view is what every page is made of.
type view struct {
	Title     string
	Caller    *doors.Caller // nil before sign-in
	Name      string        // of the caller
	Path      string
	Simulated bool
	EndOnly   string
	Now       time.Time
	Data      any
}

// policy lets pages have nothing but the console's own styles, scripts and forms.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// show writes a page: the template of that name, with data.
func (w *Web) show(rw http.ResponseWriter, r *http.Request, c *doors.Caller, status int, page, title string, data any) {
	v := view{Title: title, Caller: c, Path: r.URL.Path, Now: w.o.Clock.Now(), Data: data}
	if cat := w.o.Catalog(); cat != nil {
		v.Simulated = cat.World == flows.WorldSimulated
	}
	if c != nil {
		v.Name = w.name(c.Person)
	}
	var out bytes.Buffer
	t, err := w.pages.page(page)
	if err == nil {
		t, err = t.Clone()
	}
	if err == nil {
		err = t.Funcs(words(w.name)).Execute(&out, v)
	}
	if err != nil {
		w.log.ErrorContext(r.Context(), "make a page", "page", page, "error", err)
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
	w.show(rw, r, nil, status, "refused", "Not done", no)
}

// failBy writes a page that says no to a caller, for whatever reason.
func (w *Web) failBy(rw http.ResponseWriter, r *http.Request, c *doors.Caller, err error) {
	no, ok := flows.AsRefusal(err)
	if !ok {
		w.log.ErrorContext(r.Context(), "answer a page", "path", r.URL.Path, "error", err)
		no = fault
	}
	w.show(rw, r, c, statusOf(no.Code), "refused", "Not done", no)
}

// NotFound answers for pages that there are none of.
func (w *Web) NotFound(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	w.show(rw, r, c, http.StatusNotFound, "refused", "Not found", flows.Refuse("not_found", "There is no such page."))
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

// words are what templates may say. Everything is escaped by html/template; typed is
// the one way for what people typed.
func words(name func(flows.PersonID) string) template.FuncMap {
	people := func(all []flows.PersonID) string {
		out := make([]string, 0, len(all))
		for _, p := range all {
			out = append(out, name(p))
		}
		return strings.Join(out, ", ")
	}
	return template.FuncMap{
		"typed": func(t flows.Text) string { return t.Raw() },
		"name":  name, "people": people,
		"sentence": func(s string) string { return sentence(s, name) },
		"span":     flows.Span,
		"stamp":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ago":      func(now, t time.Time) string { return flows.Ago(now.Sub(t)) },
		"left":     func(now, t time.Time) string { return flows.Ago(t.Sub(now)) },
		"tone":     tone,
		"upper": func(s any) string {
			t := fmt.Sprint(s)
			return strings.ToUpper(t[:min(1, len(t))]) + t[min(1, len(t)):]
		},

		"asking": func(q string) string { return auditPath(q, "") },
		"exact":  exact, "ago2": flows.Ago,
		"day":     func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
		"because": func(c flows.EndCause) string { return endWords[c] },
		"least":   func(a, b int) int { return min(a, b) },
		"tabs": func(c *doors.Caller, at string) map[string]any {
			return map[string]any{"At": at, "All": c != nil && (c.Is(flows.RoleAuditor) || c.Is(flows.RoleAdmin))}
		},
		"under": func(path, base string) bool { return path == base || strings.HasPrefix(path, base+"/") },
	}
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
