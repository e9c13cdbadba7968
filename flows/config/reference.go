package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// keyOf is what a traversal refers to ("secret.x", "integration.slack.main"), and
// whether it has that form.
func keyOf(t hcl.Traversal) (string, bool) {
	steps := stepsOf(t)
	want := 2
	if len(steps) > 0 && steps[0] == "integration" {
		want = 3
	}
	if len(steps) < want {
		return "", false
	}
	return strings.Join(steps[:want], "."), true
}

// stepsOf are the names along a traversal, up to the first index.
func stepsOf(t hcl.Traversal) []string {
	var steps []string
	for _, s := range t {
		switch s := s.(type) {
		case hcl.TraverseRoot:
			steps = append(steps, s.Name)
		case hcl.TraverseAttr:
			steps = append(steps, s.Name)
		default:
			return steps
		}
	}
	return steps
}

// reference reads an expression that names a block of the given kind ("secret",
// "integration.slack") and returns the block; it evaluates nothing.
func (ld *loader) reference(expr hcl.Expression, kind string) (*decl, bool) {
	r := expr.Range()
	form := kind + "." + exampleName(ld.names(kind))
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() {
		ld.notAReference(expr, kind, form)
		return nil, false
	}
	key, ok := keyOf(t)
	if !ok || len(stepsOf(t)) != len(t) || strings.Count(key, ".") != len(t)-1 {
		ld.errorf(r, "Write "+form+".", "Here stands the name of %s, and this is none.", aBlock(kind))
		return nil, false
	}
	if d, ok := ld.byKey[key]; ok && d.kind == kind {
		return d, true
	}
	ld.noSuch(r, key, kind, form)
	return nil, false
}

// notAReference explains what stands where a reference belongs.
func (ld *loader) notAReference(expr hcl.Expression, kind, form string) {
	r := expr.Range()
	text, isText := literalText(expr)
	if _, declared := ld.byKey[kind+"."+text]; isText && declared {
		ld.errorf(r, "Write "+kind+"."+text+", without quotes.", "%s is referred to, not quoted.", capital(aBlock(kind)))
		return
	}
	if kind == "secret" {
		ld.diags.hide(r) // it may be the value itself
		ld.errorf(r, `Declare a secret block and refer to it: `+form+`.`,
			"A secret is never written into the configuration.")
		return
	}
	ld.errorf(r, "Write "+form+".", "Here stands the name of %s, and this is none.", aBlock(kind))
}

func (ld *loader) noSuch(r hcl.Range, key, kind, form string) {
	name, of := key[strings.LastIndexByte(key, '.')+1:], key[:strings.LastIndexByte(key, '.')]
	if of != kind {
		ld.errorf(r, "Write "+form+".", "Here stands the name of %s, and %s is none.", aBlock(kind), key)
		return
	}
	suggestion := didYouMean(name, ld.names(kind))
	if suggestion == "" {
		word, sort, two := strings.Cut(kind, ".")
		suggestion = "Declare it: " + word + ` "` + name + `" { … }.`
		if two {
			suggestion = "Declare it: " + word + ` "` + sort + `" "` + name + `" { … }.`
		}
	}
	ld.errorf(r, suggestion, "There is no %s called %q.", strings.ReplaceAll(kind, ".", " "), name)
}

// aBlock is the kind with its article: "a secret", "an environment".
func aBlock(kind string) string {
	word, sort, two := strings.Cut(kind, ".")
	if two {
		return "an " + word + " with " + sort
	}
	if strings.ContainsRune("aeiou", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}

// capital begins a sentence.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func exampleName(names []string) string {
	if len(names) > 0 {
		return names[0]
	}
	return "NAME"
}

// literalText is the text of a quoted string without templates.
func literalText(expr hcl.Expression) (string, bool) {
	if len(expr.Variables()) > 0 {
		return "", false
	}
	if _, ok := expr.(*hclsyntax.TemplateExpr); !ok {
		return "", false
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() {
		return "", false
	}
	s, ok := asText(v)
	return s, ok
}
