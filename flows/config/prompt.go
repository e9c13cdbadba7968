package config

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"breakglass/flows"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Slack's limits for a list of choices in a modal.
const (
	maxChoices    = 100
	maxChoiceText = 75
	maxFields     = 20 // ours: a modal of more is a form
)

// promptFields reads the questions of a flow's own.
func (ld *loader) promptFields(d *decl) []flows.PromptField {
	var out []flows.PromptField
	first := map[string]hcl.Range{}
	for _, b := range d.block.Body.Blocks {
		if b.Type != "prompt_field" {
			continue
		}
		switch {
		case len(b.Labels) != 1:
			ld.errorf(b.DefRange(), `Write prompt_field "NAME" { … }.`, "A prompt_field block has one name.")
			continue
		case !goodName.MatchString(b.Labels[0]):
			ld.errorf(b.LabelRanges[0], "Use small letters, digits and _, beginning with a letter.", "%q cannot be the name of a prompt_field.", b.Labels[0])
			continue
		}
		name := b.Labels[0]
		if at, taken := first[name]; taken {
			ld.errorf(b.DefRange(), "Give it another name, or remove one of the two.", "A second prompt_field %q; the first is at %s.", name, place(at))
			continue
		}
		first[name] = b.DefRange()
		out = append(out, ld.promptField(d, b))
	}
	if len(out) > maxFields {
		ld.errorf(d.block.DefRange(), "Ask for less.", "%s asks %d questions; at most %d fit into a modal.", describe(d), len(out), maxFields)
	}
	return out
}

func (ld *loader) promptField(d *decl, b *hclsyntax.Block) flows.PromptField {
	what := `prompt_field "` + b.Labels[0] + `" of ` + describe(d)
	ld.refuseBlocks(b.Body, what)
	f := ld.open(what, b)
	p := flows.PromptField{
		Name: b.Labels[0], Label: f.label("label", b.Labels[0]), Hint: f.text("hint", ""), Required: true,
		Type: flows.FieldType(f.choice("type", string(flows.FieldString),
			string(flows.FieldString), string(flows.FieldInt), string(flows.FieldBool),
			string(flows.FieldDuration), string(flows.FieldUser), string(flows.FieldUsers))),
	}
	if f.given("required") {
		p.Required = f.flag("required")
	} else {
		f.get("required")
	}
	f.choices(&p)
	f.defaultAnswer(&p)
	f.finish()
	return p
}

// choices reads allowed_values, which makes a list of choices of a field.
func (f *fields) choices(p *flows.PromptField) {
	if !f.given("allowed_values") {
		f.get("allowed_values")
		return
	}
	if p.Type != flows.FieldString && p.Type != flows.FieldInt && p.Type != flows.FieldDuration {
		f.refuse("for a field of type "+string(p.Type), "allowed_values")
		return
	}
	seen := map[string]bool{}
	for _, it := range f.scalars("allowed_values") {
		problem := badAnswer(p.Type, it.text)
		switch n := utf8.RuneCountInString(it.text); {
		case n == 0 || n > maxChoiceText:
			problem = "is not 1 to 75 characters long, as Slack wants it"
		case seen[it.text]:
			problem = "stands here twice"
		}
		if problem != "" {
			f.bad["allowed_values"] = true
			f.ld.errorf(it.at, "", "allowed_values of %s: %q %s.", f.what, it.text, problem)
			continue
		}
		seen[it.text] = true
		p.Choices = append(p.Choices, it.text)
	}
	if n := len(p.Choices); f.sound("allowed_values") && (n == 0 || n > maxChoices) {
		f.wrong("allowed_values", "", "allowed_values of %s has %d choices; Slack takes 1 to %d.", f.what, n, maxChoices)
	}
}

// defaultAnswer reads the answer that is filled in beforehand.
func (f *fields) defaultAnswer(p *flows.PromptField) {
	a, ok := f.get("default")
	if !ok {
		return
	}
	if p.Type == flows.FieldUsers || p.Type == flows.FieldUser {
		f.ld.errorf(a.nameRange, "Remove it.", "default has no meaning for a field of type %s.", p.Type)
		return
	}
	v, ok := f.ld.evaluate(a.expr)
	if !ok {
		return
	}
	s, ok := scalarText(v)
	if !ok {
		f.wrong("default", "", "default of %s must be one value, not %s.", f.what, aValue(v))
		return
	}
	if problem := badAnswer(p.Type, s); problem != "" {
		f.wrong("default", "", "default of %s: %q %s.", f.what, s, problem)
		return
	}
	if len(p.Choices) > 0 && f.sound("allowed_values") && !contains(p.Choices, s) {
		f.wrong("default", meanOrOneOf(s, p.Choices), "default of %s is none of its allowed_values.", f.what)
		return
	}
	p.Default = s
}

// badAnswer says what is wrong with an answer to a field of the type; empty: nothing.
func badAnswer(t flows.FieldType, s string) string {
	switch t {
	case flows.FieldInt:
		if _, err := strconv.ParseInt(s, 10, 64); err != nil {
			return "is not a whole number"
		}
	case flows.FieldBool:
		if s != "true" && s != "false" {
			return "is neither true nor false"
		}
	case flows.FieldDuration:
		if _, problem, _ := parseDuration(s); problem != "" {
			return `is not a length of time like "30m"`
		}
	}
	return ""
}

// scalars reads a list of texts or numbers, as texts.
func (f *fields) scalars(name string) []item {
	a, _ := f.get(name)
	var out []item
	for _, e := range f.expressions(name, a) {
		v, ok := f.ld.evaluate(e)
		if !ok {
			f.bad[name] = true
			continue
		}
		s, ok := scalarText(v)
		if !ok {
			f.bad[name] = true
			f.ld.errorf(e.Range(), "", "%s of %s is a list of texts or numbers; this is %s.", name, f.what, aValue(v))
			continue
		}
		out = append(out, item{s, e.Range()})
	}
	return out
}

// scalarText is text, a whole number, true or false in its one text form.
func scalarText(v cty.Value) (string, bool) {
	if s, ok := asText(v); ok {
		return s, true
	}
	if n, ok := asInt(v); ok {
		return strconv.FormatInt(n, 10), true
	}
	if v.Type() == cty.Bool {
		return strconv.FormatBool(v.True()), true
	}
	return "", false
}

func contains(all []string, s string) bool {
	return slices.Contains(all, s)
}

// vars reads the flow's vars: text, whole numbers, true and false, lists of texts.
func (f *fields) vars() map[string]any {
	in := f.object("vars")
	if in == nil {
		return map[string]any{}
	}
	out := map[string]any{}
	for _, name := range sortedKeys(in.has) {
		a, _ := in.get(name)
		if !goodName.MatchString(name) {
			f.ld.errorf(a.nameRange, "Use small letters, digits and _, beginning with a letter.", "%q cannot be the name of a var.", name)
			continue
		}
		v, ok := f.ld.evaluate(a.expr)
		if !ok {
			continue
		}
		value, ok := typedVar(v)
		if !ok {
			in.wrong(name, `A var is text, a whole number, true, false or a list of texts.`, "%s of %s is none of what a var can be.", name, in.what)
			continue
		}
		out[name] = value
	}
	return out
}

func typedVar(v cty.Value) (any, bool) {
	if s, ok := asText(v); ok {
		return s, true
	}
	if n, ok := asInt(v); ok {
		return n, true
	}
	if v.Type() == cty.Bool {
		return v.True(), true
	}
	if !isList(v) {
		return nil, false
	}
	list := []string{}
	for _, e := range v.AsValueSlice() {
		s, ok := asText(e)
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}
