package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sort"

	"breakglass/flows"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// secretMark marks values that came from a secret; HCL carries it through every
// operation, so that what is made from a secret is known to be one.
const secretMark = "secret"

// Template is text that may be made from secrets. Its expression is kept and
// evaluated at each use, with the secrets' values of that moment. Names were checked
// when it was loaded. The zero value expands to empty text.
type Template struct {
	expr    hcl.Expression
	source  string // as written; names of secrets, never values
	scope   scope
	secrets map[string]flows.Secret
}

// Expanded is the text that a template gave. It prints as its value only where no
// secret is in it.
type Expanded struct {
	text   string
	Secret bool // the text is made from a secret
}

// Reveal is the text. Where Secret is set the caller must not keep, print or store it.
func (e Expanded) Reveal() string { return e.text }

// String is the text, or a word in its place where it is made from a secret.
func (e Expanded) String() string {
	if e.Secret {
		return "[secret]"
	}
	return e.text
}

// GoString does the same for %#v.
func (e Expanded) GoString() string { return e.String() }

// LogValue does the same for slog.
func (e Expanded) LogValue() slog.Value { return slog.StringValue(e.String()) }

// fixedTemplate is a template without secrets.
func fixedTemplate(s string) Template {
	return Template{expr: hcl.StaticExpr(cty.StringVal(s), hcl.Range{}), source: s}
}

// template reads an attribute whose text may hold secrets.
func (f *fields) template(name string) Template {
	a, ok := f.get(name)
	if !ok {
		return Template{}
	}
	t := Template{expr: a.expr, scope: f.ld.scope, secrets: map[string]flows.Secret{}}
	if !f.ld.checkNames(a.expr, true) {
		f.bad[name] = true
		return t
	}
	for _, v := range a.expr.Variables() {
		switch steps := stepsOf(v); steps[0] {
		case "secret":
			t.secrets[steps[1]] = f.ld.handles[steps[1]]
		case "local", "var":
			if !f.ld.scope.knows(steps[0], steps[1]) { // what is wrong with it was reported
				f.bad[name] = true
				return t
			}
		}
	}
	t.source = f.ld.sourceOf(a.expr)
	standIns := map[string]string{}
	for n := range t.secrets {
		standIns[n] = "x"
	}
	if _, err := t.with(standIns); err != nil {
		f.wrong(name, `Write text: "… ${secret.NAME} …".`, "%s of %s does not make a text.", name, f.what)
	}
	return t
}

// sourceOf is an expression as written.
func (ld *loader) sourceOf(expr hcl.Expression) string {
	if e, ok := expr.(hclsyntax.Expression); ok {
		r := e.Range()
		if src := ld.diags.sources[r.Filename]; r.CanSliceBytes(src) {
			return string(r.SliceBytes(src))
		}
	}
	return ""
}

// String is the template as written, with the names of its secrets.
func (t Template) String() string { return t.source }

// Secrets lists the names of the secrets that the template is made from.
func (t Template) Secrets() []string { return sortedKeys(t.secrets) }

// Expand evaluates the template with the secrets' current values.
func (t Template) Expand(ctx context.Context) (Expanded, error) {
	values := map[string]string{}
	for _, name := range t.Secrets() {
		v, err := t.secrets[name].Reveal(ctx)
		if err != nil {
			return Expanded{}, err
		}
		values[name] = v
	}
	return t.with(values)
}

// Try is flows.Secret.Try for a template: use is called with the text made from the
// cached values, and while it reports that the text was rejected, with fresh and then
// with previous ones. It ends with flows.ErrSecretRejected.
func (t Template) Try(ctx context.Context, use func(Expanded) (rejected bool, err error)) error {
	names := t.Secrets()
	sort.Strings(names)
	if len(names) == 0 {
		e, err := t.with(nil)
		if err != nil {
			return err
		}
		rejected, err := use(e)
		if rejected {
			return flows.ErrSecretRejected
		}
		return err
	}
	return t.try(ctx, names, map[string]string{}, use)
}

func (t Template) try(ctx context.Context, names []string, values map[string]string, use func(Expanded) (bool, error)) error {
	return t.secrets[names[0]].Try(ctx, func(value string) (bool, error) {
		values[names[0]] = value
		if len(names) > 1 {
			err := t.try(ctx, names[1:], values, use)
			return errors.Is(err, flows.ErrSecretRejected), err
		}
		e, err := t.with(values)
		if err != nil {
			return false, err
		}
		return use(e)
	})
}

// Fill is Try with the secrets' values beside the text: it makes a template what an
// adapter's header is filled by.
func (t Template) Fill(ctx context.Context, use func(text string, values []string) (rejected bool, err error)) error {
	names := t.Secrets()
	if len(names) == 0 {
		return t.Try(ctx, func(e Expanded) (bool, error) { return use(e.text, nil) })
	}
	values := map[string]string{}
	return t.try(ctx, names, values, func(e Expanded) (bool, error) {
		all := make([]string, 0, len(names))
		for _, n := range names {
			all = append(all, values[n])
		}
		return use(e.text, all)
	})
}

// plainText is the text of a template that holds no secret; otherwise empty.
func (t Template) plainText() string {
	v, ok := t.shape()
	s, _ := asText(v)
	if !ok {
		return ""
	}
	return s
}

// with evaluates the template with the given secret values. Its errors name no value.
func (t Template) with(values map[string]string) (Expanded, error) {
	if t.expr == nil {
		return Expanded{}, nil
	}
	marked := make(map[string]cty.Value, len(values))
	for name, v := range values {
		marked[name] = cty.StringVal(v).Mark(secretMark)
	}
	v, diags := t.expr.Value(t.scope.context(map[string]cty.Value{"secret": cty.ObjectVal(marked)}))
	if diags.HasErrors() {
		return Expanded{}, fmt.Errorf("%s: the template cannot be evaluated: %s", place(t.expr.Range()), diags[0].Summary)
	}
	plain, marks := v.Unmark()
	s, ok := asText(plain)
	if !ok {
		return Expanded{}, fmt.Errorf("%s: the template does not make a text", place(t.expr.Range()))
	}
	return Expanded{text: s, Secret: len(marks) > 0}, nil
}
