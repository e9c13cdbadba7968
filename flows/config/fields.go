package config

import (
	"fmt"

	"breakglass/flows"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// field is one attribute as it stands in a file.
type field struct {
	nameRange hcl.Range
	expr      hcl.Expression
}

// fields reads the attributes of one block or object: a method a type of value. A
// mistake is reported where it stands and the method returns the default, so that
// reading goes on and finds the others. finish reports what nobody asked for.
type fields struct {
	ld    *loader
	what  string    // `flow "prod"`, for sentences
	at    hcl.Range // where a missing attribute is reported
	has   map[string]field
	asked []string
	bad   map[string]bool // attributes whose mistake was reported
}

// fieldsOf opens a declared block, whose body has attributes only.
func (ld *loader) fieldsOf(d *decl) *fields {
	ld.refuseBlocks(d.block.Body, describe(d))
	return ld.open(describe(d), d.block)
}

// open opens a block's attributes; its inner blocks are the caller's.
func (ld *loader) open(what string, b *hclsyntax.Block) *fields {
	f := &fields{ld: ld, what: what, at: b.DefRange(), has: map[string]field{}, bad: map[string]bool{}}
	for name, a := range b.Body.Attributes {
		f.has[name] = field{nameRange: a.NameRange, expr: a.Expr}
	}
	return f
}

// refuseBlocks reports inner blocks other than the allowed ones.
func (ld *loader) refuseBlocks(body *hclsyntax.Body, what string, allowed ...string) {
	for _, b := range body.Blocks {
		ok := false
		for _, a := range allowed {
			ok = ok || a == b.Type
		}
		if !ok {
			suggestion := meanOrOneOf(b.Type, allowed)
			if len(allowed) == 0 {
				suggestion = "If it is an attribute, write " + b.Type + " = { … }."
			}
			ld.errorf(b.TypeRange, suggestion, "%s has no block %q in it.", what, b.Type)
		}
	}
}

// get is an attribute as it stands, and whether it is there.
func (f *fields) get(name string) (field, bool) {
	f.asked = append(f.asked, name)
	a, ok := f.has[name]
	return a, ok
}

// need is get for an attribute that must be there; form shows how it is written.
func (f *fields) need(name, form string) (field, bool) {
	a, ok := f.get(name)
	if !ok {
		f.bad[name] = true
		f.ld.errorf(f.at, "Write "+name+" = "+form+".", "%s has no %s.", f.what, name)
	}
	return a, ok
}

// given reports whether the attribute stands there.
func (f *fields) given(name string) bool { _, ok := f.has[name]; return ok }

// sound reports whether the attribute may be judged further: no mistake was reported.
func (f *fields) sound(name string) bool { return !f.bad[name] }

// where is the attribute's value, or the block where it is absent.
func (f *fields) where(name string) hcl.Range {
	if a, ok := f.has[name]; ok {
		return a.expr.Range()
	}
	return f.at
}

// wrong reports a mistake in the value of an attribute.
func (f *fields) wrong(name, suggestion, format string, args ...any) {
	f.bad[name] = true
	f.ld.errorf(f.where(name), suggestion, format, args...)
}

// doubt reports a warning about the value of an attribute.
func (f *fields) doubt(name, suggestion, format string, args ...any) {
	f.ld.warnf(f.where(name), suggestion, format, args...)
}

// finish reports the attributes that nobody asked for.
func (f *fields) finish() {
	asked := map[string]bool{}
	for _, name := range f.asked {
		asked[name] = true
	}
	for _, name := range sortedKeys(f.has) {
		if !asked[name] {
			f.ld.errorf(f.has[name].nameRange, meanOrOneOf(name, f.missing()), "%s has no attribute %q.", f.what, name)
		}
	}
}

// missing are the attributes that could be meant: known, and not written yet.
func (f *fields) missing() []string {
	var out []string
	for _, name := range f.asked {
		if !f.given(name) {
			out = append(out, name)
		}
	}
	return sorted(out)
}

// refuse reports attributes that do not fit what the block says elsewhere.
func (f *fields) refuse(because string, names ...string) {
	for _, name := range names {
		if a, ok := f.get(name); ok {
			f.ld.errorf(a.nameRange, "Remove it.", "%s has no meaning %s.", name, because)
		}
	}
}

// object opens an attribute whose value is { … }; nil where it is absent or wrong.
func (f *fields) object(name string) *fields {
	a, ok := f.get(name)
	if !ok {
		return nil
	}
	pairs, diags := hcl.ExprMap(a.expr)
	if diags.HasErrors() {
		f.wrong(name, "Write "+name+" = { … }.", "%s must be an object.", name)
		return nil
	}
	in := &fields{ld: f.ld, what: name + " of " + f.what, at: a.expr.Range(), has: map[string]field{}, bad: map[string]bool{}}
	for _, p := range pairs {
		key, ok := f.ld.key(p.Key)
		if !ok {
			continue
		}
		if first, taken := in.has[key]; taken {
			f.ld.errorf(p.Key.Range(), "Remove one of the two.", "%s has %q twice; the first is at %s.", in.what, key, place(first.nameRange))
			continue
		}
		in.has[key] = field{nameRange: p.Key.Range(), expr: p.Value}
	}
	return in
}

// key is the text of an object's key.
func (ld *loader) key(expr hcl.Expression) (string, bool) {
	v, diags := expr.Value(nil)
	if !diags.HasErrors() {
		if s, ok := asText(v); ok {
			return s, true
		}
	}
	ld.errorf(expr.Range(), "Write the key as it is.", "This cannot be a key.")
	return "", false
}

// block reads an attribute that names a block of a kind; "" where it does not.
func (f *fields) block(name, kind string) string {
	a, ok := f.need(name, kind+"."+exampleName(f.ld.names(kind)))
	if !ok {
		return ""
	}
	d, ok := f.ld.reference(a.expr, kind)
	if !ok {
		f.bad[name] = true
		return ""
	}
	return d.name
}

// handle reads an attribute that takes a secret. It reads the reference and does not
// evaluate it.
func (f *fields) handle(name string) flows.Secret {
	a, ok := f.get(name)
	if !ok {
		return flows.Secret{}
	}
	d, ok := f.ld.reference(a.expr, "secret")
	if !ok {
		f.bad[name] = true
		return flows.Secret{}
	}
	return f.ld.handles[d.name]
}

// needHandle is handle for an attribute that must be there.
func (f *fields) needHandle(name string) flows.Secret {
	if !f.given(name) {
		f.need(name, fmt.Sprintf("secret.%s", exampleName(f.ld.names("secret"))))
		return flows.Secret{}
	}
	return f.handle(name)
}
