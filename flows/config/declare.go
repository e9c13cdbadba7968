package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// blockKind is one kind of block at the top of a file.
type blockKind struct {
	word   string
	form   string // how it is written
	labels int
}

// topBlocks are all of them.
var topBlocks = [...]blockKind{
	{"secret", `secret "NAME"`, 1},
	{"integration", `integration "slack" "NAME"`, 2},
	{"environment", `environment "NAME"`, 1},
	{"roles", `roles`, 0},
	{"target", `target "NAME"`, 1},
	{"http_adapter", `http_adapter "NAME"`, 1},
	{"person", `person "NAME"`, 1},
	{"people", `people`, 0},
	{"sign_in", `sign_in "company"`, 1},
	{"flow", `flow "NAME"`, 1},
	{"sink", `sink "file" "NAME"`, 2},
	{"server", `server`, 0},
	{"audit", `audit`, 0},
	{"locals", `locals`, 0},
	{"variable", `variable "NAME"`, 1},
}

// goodName is what a block may be called.
var goodName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// goodAdapterName is what an adapter may be called: it is part of addresses, where people
// write "pagerduty-eu".
var goodAdapterName = regexp.MustCompile(`^[a-z]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// declare enters every block under its name, and notes who is referred to.
func (ld *loader) declare() {
	for _, b := range ld.blocks {
		ld.noteUses(b.Body)
		kind, ok := ld.kindOf(b)
		if !ok || !ld.goodLabels(b, kind) {
			continue
		}
		d := &decl{kind: kind.word, block: b}
		switch len(b.Labels) {
		case 1:
			d.name = b.Labels[0]
		case 2:
			d.kind, d.name = kind.word+"."+b.Labels[0], b.Labels[1]
		}
		d.key = strings.TrimSuffix(d.kind+"."+d.name, ".")
		if first, taken := ld.byKey[d.key]; taken && d.kind != "locals" {
			suggestion := "Give it another name, or remove one of the two."
			if d.name == "" {
				suggestion = "Put everything into one block."
			}
			ld.errorf(b.DefRange(), suggestion, "A second %s; the first is at %s.", describe(d), place(first.block.DefRange()))
			continue
		}
		ld.byKey[d.key] = d
		ld.order = append(ld.order, d)
	}
}

// describe is what a block is called in a sentence: `flow "prod"`.
func describe(d *decl) string {
	word, sort, two := strings.Cut(d.kind, ".")
	switch {
	case two:
		return word + ` "` + sort + `" "` + d.name + `"`
	case d.name == "":
		return word + " block"
	}
	return word + ` "` + d.name + `"`
}

func (ld *loader) kindOf(b *hclsyntax.Block) (blockKind, bool) {
	words := make([]string, 0, len(topBlocks))
	for _, k := range topBlocks {
		if k.word == b.Type {
			return k, true
		}
		words = append(words, k.word)
	}
	if sym := strings.TrimPrefix(b.Type, "sym_"); sym != b.Type || b.Type == "resource" {
		ld.errorf(b.TypeRange, `The nouns are the same without it: flow "prod" { … } for resource "sym_flow" "prod" { … }.`,
			"%q blocks belong to Terraform, not here.", b.Type)
		return blockKind{}, false
	}
	ld.errorf(b.TypeRange, meanOrOneOf(b.Type, words), "There is no kind of block called %q.", b.Type)
	return blockKind{}, false
}

func (ld *loader) goodLabels(b *hclsyntax.Block, k blockKind) bool {
	if len(b.Labels) != k.labels {
		ld.errorf(b.DefRange(), "Write "+k.form+" { … }.", "%s block has %s.", capital(aBlock(k.word)),
			[...]string{"no name", "one name", "a kind and a name"}[k.labels])
		return false
	}
	if k.word == "integration" && b.Labels[0] != "slack" && b.Labels[0] != "pagerduty" {
		ld.errorf(b.LabelRanges[0], meanOrOneOf(b.Labels[0], []string{"slack", "pagerduty"}),
			"There is no integration with %q.", b.Labels[0])
		return false
	}
	if k.word == "sign_in" && b.Labels[0] != "company" && b.Labels[0] != "slack" {
		ld.errorf(b.LabelRanges[0], meanOrOneOf(b.Labels[0], []string{"company", "slack"}), "There is no sign-in by %q.", b.Labels[0])
		return false
	}
	if k.word == "sink" && !slices.Contains(sinkKinds, b.Labels[0]) {
		ld.errorf(b.LabelRanges[0], meanOrOneOf(b.Labels[0], sinkKinds), "There is no sink to %q.", b.Labels[0])
		return false
	}
	good, letters := goodName, "_"
	if k.word == "http_adapter" {
		good, letters = goodAdapterName, "_ and -"
	}
	if n := len(b.Labels); n > 0 && !good.MatchString(b.Labels[n-1]) {
		ld.errorf(b.LabelRanges[n-1], "Use small letters, digits and "+letters+", beginning with a letter.",
			"%q cannot be the name of a %s block.", b.Labels[n-1], k.word)
		return false
	}
	return true
}

// noteUses enters every reference below body as a use of what it names.
func (ld *loader) noteUses(body *hclsyntax.Body) {
	for _, a := range body.Attributes {
		for _, t := range a.Expr.Variables() {
			if key, ok := keyOf(t); ok {
				ld.used[key] = true
			}
		}
	}
	for _, b := range body.Blocks {
		ld.noteUses(b.Body)
	}
}

// names lists what is declared of a kind.
func (ld *loader) names(kind string) []string {
	var out []string
	for _, d := range ld.order {
		if d.kind == kind {
			out = append(out, d.name)
		}
	}
	return out
}
