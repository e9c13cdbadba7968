package config

import (
	"maps"
	"slices"
	"sort"
	"strconv"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// scope is what expressions may name: locals and variables.
type scope struct {
	exprs  map[string]*hclsyntax.Attribute // locals
	locals map[string]cty.Value            // evaluated; an unknown value where that went wrong
	vars   map[string]cty.Value
	busy   map[string]bool // locals that are being evaluated
}

// evaluateScope evaluates variables and locals, in whatever order they stand.
func (ld *loader) evaluateScope() {
	ld.scope = scope{
		exprs: map[string]*hclsyntax.Attribute{}, locals: map[string]cty.Value{},
		vars: map[string]cty.Value{}, busy: map[string]bool{},
	}
	var names []string
	for _, d := range ld.order {
		switch d.kind {
		case "variable":
			ld.scope.vars[d.name] = ld.variable(d)
		case "locals":
			ld.refuseBlocks(d.block.Body, "locals")
			for _, a := range sortedAttrs(d.block.Body.Attributes) {
				if first, taken := ld.scope.exprs[a.Name]; taken {
					ld.errorf(a.NameRange, "Give it another name, or remove one of the two.",
						"A second local %q; the first is at %s.", a.Name, place(first.NameRange))
					continue
				}
				ld.scope.exprs[a.Name] = a
				names = append(names, a.Name)
			}
		}
	}
	for _, name := range names {
		ld.local(name)
	}
	ld.checkVariables()
}

// local evaluates one local and those it needs.
func (ld *loader) local(name string) {
	if _, done := ld.scope.locals[name]; done {
		return
	}
	a := ld.scope.exprs[name]
	ld.scope.busy[name] = true
	ld.scope.locals[name] = cty.DynamicVal
	for _, t := range a.Expr.Variables() {
		steps := stepsOf(t)
		if len(steps) < 2 || steps[0] != "local" || ld.scope.exprs[steps[1]] == nil {
			continue
		}
		if ld.scope.busy[steps[1]] {
			ld.errorf(t.SourceRange(), "Break the circle.", "local.%s is made from itself.", steps[1])
			continue
		}
		ld.local(steps[1])
	}
	delete(ld.scope.busy, name)
	if v, ok := ld.evaluate(a.Expr); ok {
		ld.scope.locals[name] = v
	}
}

// variable is the value of one variable block.
func (ld *loader) variable(d *decl) cty.Value {
	f := ld.fieldsOf(d)
	f.text("description", "")
	def, has := f.get("default")
	kind := f.choice("type", ld.typeOf(def), "string", "number", "bool")
	f.finish()
	want := map[string]cty.Type{"string": cty.String, "number": cty.Number, "bool": cty.Bool}[kind]
	if raw, given := ld.opts.Variables[d.name]; given {
		v, ok := parseVariable(raw, kind)
		if !ok || !utf8.ValidString(raw) {
			ld.errorf(f.at, "", "The value given for variable %q is not a %s.", d.name, kind)
			return cty.UnknownVal(want)
		}
		return v
	}
	if !has {
		ld.errorf(f.at, "Add default = …, or give it a value when you start.",
			"Variable %q has no default, and no value was given.", d.name)
		return cty.UnknownVal(want)
	}
	if len(def.expr.Variables()) > 0 {
		ld.errorf(def.expr.Range(), "Use locals for values that are made from others.", "The default of variable %q refers to something else.", d.name)
		return cty.UnknownVal(want)
	}
	v, ok := ld.evaluate(def.expr)
	if !ok {
		return cty.UnknownVal(want)
	}
	if !v.Type().Equals(want) {
		ld.errorf(def.expr.Range(), "Change the default or the type.",
			"The default of variable %q is %s, its type says %s.", d.name, aValue(v), kind)
		return cty.UnknownVal(want)
	}
	return v
}

// typeOf is the type of a variable that names none: that of its default.
func (ld *loader) typeOf(def field) string {
	if def.expr == nil || len(def.expr.Variables()) > 0 {
		return "string"
	}
	switch v, _ := def.expr.Value(nil); {
	case v == cty.NilVal:
	case v.Type() == cty.Number:
		return "number"
	case v.Type() == cty.Bool:
		return "bool"
	}
	return "string"
}

func parseVariable(raw, kind string) (cty.Value, bool) {
	switch kind {
	case "number":
		v, err := cty.ParseNumberVal(raw)
		return v, err == nil
	case "bool":
		b, err := strconv.ParseBool(raw)
		return cty.BoolVal(b), err == nil
	}
	return cty.StringVal(raw), true
}

// checkVariables refuses values for variables that nobody declared.
func (ld *loader) checkVariables() {
	for _, name := range sortedKeys(ld.opts.Variables) {
		if _, ok := ld.scope.vars[name]; !ok {
			ld.errorf(hcl.Range{Filename: MainFile}, didYouMean(name, ld.names("variable")),
				"A value is given for variable %q, and there is no such variable.", name)
		}
	}
}

// knows reports whether a local or variable has a value.
func (s scope) knows(root, name string) bool {
	v := s.locals[name]
	if root == "var" {
		v = s.vars[name]
	}
	return v != cty.NilVal && v.IsWhollyKnown()
}

// context is what an expression is evaluated in, with more roots on top.
func (s scope) context(more map[string]cty.Value) *hcl.EvalContext {
	vars := map[string]cty.Value{"local": cty.ObjectVal(s.locals), "var": cty.ObjectVal(s.vars)}
	maps.Copy(vars, more)
	return &hcl.EvalContext{Variables: vars}
}

// evaluate is the value of an expression that holds no secret. False means that the
// mistake was reported.
func (ld *loader) evaluate(expr hcl.Expression) (cty.Value, bool) {
	if !ld.checkNames(expr, false) {
		return cty.NilVal, false
	}
	v, diags := expr.Value(ld.scope.context(nil))
	if diags.HasErrors() {
		ld.diags.addHCL(diags)
		return cty.NilVal, false
	}
	if v.IsNull() {
		ld.errorf(expr.Range(), "Leave the attribute out.", "null is not a value here.")
		return cty.NilVal, false
	}
	return v, v.IsWhollyKnown() // unknown: made from something that was reported
}

// checkNames checks what an expression names before it is evaluated.
func (ld *loader) checkNames(expr hcl.Expression, secrets bool) bool {
	good := true
	for _, t := range expr.Variables() {
		good = ld.checkName(t, secrets) && good
	}
	return good
}

func (ld *loader) checkName(t hcl.Traversal, secrets bool) bool {
	r, steps := t.SourceRange(), stepsOf(t)
	root := t.RootName()
	var known []string
	switch root {
	case "local":
		known = sortedKeys(ld.scope.exprs)
	case "var":
		known = ld.names("variable")
	case "secret":
		if !secrets {
			ld.errorf(r, "Name a secret only in attributes that take one.", "A secret may not stand in this text.")
			return false
		}
		known = ld.names("secret")
	case "integration", "environment", "target", "http_adapter":
		ld.errorf(r, "Write the text itself, or local.NAME.", "%s stands for a block, and this is not where a block is named.", root)
		return false
	default:
		suggestion := meanOrOneOf(root, []string{"local", "var", "secret"})
		if len(t) == 1 {
			suggestion = "Text is written in quotes: " + strconv.Quote(root) + "."
		}
		ld.errorf(r, suggestion, "Nothing is called %s.", root)
		return false
	}
	if len(steps) < 2 {
		ld.errorf(r, "Write "+root+"."+exampleName(known)+".", "%s alone is not a value.", root)
		return false
	}
	if slices.Contains(known, steps[1]) {
		return true
	}
	ld.errorf(r, didYouMean(steps[1], known), "There is no %s called %q.",
		map[string]string{"local": "local", "var": "variable", "secret": "secret"}[root], steps[1])
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func sortedAttrs(attrs hclsyntax.Attributes) []*hclsyntax.Attribute {
	out := make([]*hclsyntax.Attribute, 0, len(attrs))
	for _, a := range attrs {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].SrcRange.Start.Byte < out[j].SrcRange.Start.Byte })
	return out
}
