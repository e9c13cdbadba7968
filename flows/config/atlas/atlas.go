// Package atlas reads the configuration of Atlas (Moment's authenticating proxy): YAML
// documents of several kinds. HTTP adapters become http_adapter blocks; of everything
// else it says what takes its place here, or that nothing does.
//
// It imports flows/config/source, which writes what it found, and flows/config/yaml.
// Read first: this file, then notes.go.
package atlas

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"breakglass/flows/config/source"
	"breakglass/flows/config/yaml"
)

// MaxSize is the largest file that is read.
const MaxSize = 1 << 20

// Import is what a file has in it.
type Import struct {
	Adapters []source.Adapter
	Notes    []Note
}

// Note is something that is not taken over as it stands.
type Note struct {
	Line   int    `json:"line"`
	What   string `json:"what"`   // where in the file: "HTTP brex-2, spec.baseUrl"
	Advice string `json:"advice"` // what is so instead, or what to do
}

// adapterVersion and atlasVersion are what the documents' apiVersion says.
const (
	adapterVersion = "moment.dev/adapters/v1alpha1"
	atlasVersion   = "moment.dev/atlas/v1alpha1"
)

// reader is one file while it is read.
type reader struct {
	out   Import
	named map[string]int // adapters that Atlas serves, and where that is said
	atlas bool           // there is a document that says which
}

// Read reads a file. The error is of YAML that cannot be read; everything else is a
// note. Nothing that looks like a credential is taken over or shown.
func Read(src []byte) (Import, error) {
	if len(src) > MaxSize {
		return Import{}, fmt.Errorf("the file is larger than %d MiB", MaxSize>>20)
	}
	docs, err := yaml.Parse(src)
	if err != nil {
		return Import{}, err
	}
	r := &reader{named: map[string]int{}}
	for _, d := range docs {
		if text(d, "kind") == "Atlas" {
			r.instance(d)
		}
	}
	for _, d := range docs {
		r.document(d)
	}
	for name, line := range r.named {
		if !slices.ContainsFunc(docs, func(d *yaml.Node) bool { return text(d, "kind")+"/"+text(d.Get("metadata"), "name") == name }) {
			r.note(line, "spec.apiAdapters", "%s is named here, and there is no such document in this file.", strings.Replace(name, "/", " ", 1))
		}
	}
	slices.SortStableFunc(r.out.Notes, func(a, b Note) int { return a.Line - b.Line })
	return r.out, nil
}

func (r *reader) note(line int, what, format string, args ...any) {
	r.out.Notes = append(r.out.Notes, Note{Line: line, What: what, Advice: fmt.Sprintf(format, args...)})
}

// text is a text below a node; empty where there is none.
func text(n *yaml.Node, path ...string) string {
	for _, key := range path {
		n = n.Get(key)
	}
	if n == nil || n.Kind != yaml.Text || n.Null() {
		return ""
	}
	return n.Text
}

// document reads one document other than the instance itself.
func (r *reader) document(d *yaml.Node) {
	kind, name := text(d, "kind"), text(d, "metadata", "name")
	what := strings.TrimSpace(clean(kind) + " " + clean(name))
	switch {
	case d.Kind != yaml.Map || kind == "":
		r.note(d.Line, "a document", "It has no kind, so it is nothing of Atlas's.")
		return
	case kind == "Atlas":
		return
	case text(d, "apiVersion") != adapterVersion:
		r.note(d.Line, what, "Its apiVersion is not %s; it was left out.", adapterVersion)
		return
	case r.atlas && r.named[kind+"/"+name] == 0:
		r.note(d.Line, what, "spec.apiAdapters does not name it, so Atlas did not serve it; it was left out.")
		return
	}
	r.unknown(d, what, "apiVersion", "kind", "metadata", "spec")
	r.unknown(d.Get("metadata"), what+", metadata", "name")
	switch kind {
	case "HTTP":
		r.adapter(d, name, what)
	default:
		r.other(d, kind, what)
	}
}

// unknown notes the members that nothing is known about.
func (r *reader) unknown(n *yaml.Node, what string, known ...string) {
	for _, p := range pairs(n) {
		if !slices.Contains(known, p.Key) {
			r.note(p.Line, what+", "+clean(p.Key), "This is not known; it was left out.")
		}
	}
}

var (
	goodName  = regexp.MustCompile(`^[a-z]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
	goodField = regexp.MustCompile("^[A-Za-z0-9][A-Za-z0-9-]*$")
	notInName = regexp.MustCompile(`[^a-z0-9_-]+`)
)

// adapter takes an HTTP adapter over.
func (r *reader) adapter(d *yaml.Node, name, what string) {
	spec := d.Get("spec")
	r.unknown(spec, what+", spec", "baseUrl", "headers")
	a := source.Adapter{Name: name, BaseURL: strings.TrimRight(text(spec, "baseUrl"), "/")}
	if !goodName.MatchString(a.Name) {
		a.Name = strings.Trim(notInName.ReplaceAllString(strings.ToLower(name), "_"), "_-")
		if !goodName.MatchString(a.Name) {
			r.note(d.Line, what, "It has no name that can be used; it was left out.")
			return
		}
		r.note(d.Line, what, "It is called %q here, so it is called at /v1/apis/http/%s/…", a.Name, a.Name)
	}
	if slices.ContainsFunc(r.out.Adapters, func(o source.Adapter) bool { return o.Name == a.Name }) {
		r.note(d.Line, what, "There is another one of that name above; this one was left out.")
		return
	}
	if why := badAddress(a.BaseURL); why != "" {
		r.note(d.Line, what+", spec.baseUrl", "%s; the adapter was left out.", why)
		return
	}
	headers := spec.Get("headers")
	if !headers.Null() && headers.Kind != yaml.List {
		r.note(headers.Line, what+", spec.headers", "This is not a list of headers; the adapter was left out.")
		return
	}
	if headers != nil {
		for _, h := range headers.Items {
			r.header(&a, h, what)
		}
	}
	r.rules(d, &a, what)
	r.out.Adapters = append(r.out.Adapters, a)
}

// badAddress says why an address cannot be taken over.
func badAddress(raw string) string {
	if strings.Contains(raw, "${{") {
		return "An address is written out here, and not made from variables"
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "It is not an address like https://api.pagerduty.com"
	case u.User != nil:
		return "It has a password in it, which does not belong into a configuration"
	case u.RawQuery != "" || u.Fragment != "":
		return "An address has no ? and no # in it here"
	}
	return ""
}

// header takes one header over.
func (r *reader) header(a *source.Adapter, h *yaml.Node, what string) {
	r.unknown(h, what+", a header", "name", "value")
	name := text(h, "name")
	what += ", header " + clean(name)
	value, err := source.ParseText(text(h, "value"))
	switch {
	case !goodField.MatchString(name):
		r.note(h.Line, what, "This is not the name of a header; it was left out.")
	case err != nil:
		r.note(h.Line, what, "It was left out: %v.", err)
	case value.HoldsSecret(name):
		r.note(h.Line, what, "Its value stands in the file, and was not taken over: make a new credential, put it into an environment variable or AWS, declare a secret, and write the header with ${secret.NAME}.")
	case value.Quoted():
		r.note(h.Line, what, "Its value stands in quotes twice, and the inner ones would have been sent; they were left out.")
		a.Headers = append(a.Headers, source.Header{Name: name, Value: value.Unquoted()})
	case slices.ContainsFunc(a.Headers, func(o source.Header) bool { return strings.EqualFold(o.Name, name) }):
		r.note(h.Line, what, "It is there twice; this one was left out.")
	default:
		a.Headers = append(a.Headers, source.Header{Name: name, Value: value})
	}
}

// rules gives an adapter what it allows: Atlas let everything through, for everybody.
func (r *reader) rules(d *yaml.Node, a *source.Adapter, what string) {
	a.Allow = source.ReadsOf(a.BaseURL)
	if len(a.Allow) == 0 {
		r.note(d.Line, what, "Atlas let every call through; here none is until allow, or a target, says so. breakglass adapter rules --from-openapi FILE writes it.")
		return
	}
	r.note(d.Line, what, "Atlas let every call through; here only %s. What changes something belongs into a target, so that it needs a grant.", strings.Join(a.Allow, " and "))
}

// clean is a word of the file, short and without anything that acts on a terminal.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return s
}
