package handler

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Problem is one thing that is wrong with a handler file, found without asking
// anybody. Hint says what to write instead; it may be empty.
type Problem struct {
	File    string
	Line    int
	Col     int
	Message string
	Hint    string
}

// Error is the problem in one line: "prod.py:7:12: message (hint)".
func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Message)
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// sortProblems orders by place and drops what is told twice, and what is too much.
func sortProblems(in []Problem) []Problem {
	sort.SliceStable(in, func(i, j int) bool {
		if in[i].Line != in[j].Line {
			return in[i].Line < in[j].Line
		}
		return in[i].Col < in[j].Col
	})
	in = slices.Compact(in)
	return slices.Clip(in[:min(len(in), maxProblems)])
}

// maxProblems is how many are told at once.
const maxProblems = 50

// resolveProblems translates what Starlark's resolver found.
func resolveProblems(path string, err error) []Problem {
	var list resolve.ErrorList
	if !errors.As(err, &list) {
		return []Problem{{File: path, Line: 1, Col: 1, Message: err.Error()}}
	}
	var out []Problem
	for _, e := range list {
		out = append(out, Problem{File: path, Line: int(e.Pos.Line), Col: int(e.Pos.Col), Message: e.Msg})
	}
	return out
}

// undefined lists the names of a resolved file that nothing defines, each where it
// stands first. The resolver took them as predeclared: it would otherwise compare each
// with every other name of the file, which takes minutes for a bad one.
func undefined(f *syntax.File, unknown map[string]bool, defined []string, lang *language) []Problem {
	var out []Problem
	syntax.Walk(f, func(n syntax.Node) bool {
		id, ok := n.(*syntax.Ident)
		if !ok || !unknown[id.Name] || len(out) == maxProblems {
			return true
		}
		if b, ok := id.Binding.(*resolve.Binding); !ok || b.Scope != resolve.Predeclared {
			return true
		}
		delete(unknown, id.Name)
		p := Problem{File: f.Path, Line: int(id.NamePos.Line), Col: int(id.NamePos.Col), Message: fmt.Sprintf("the name %q is not defined", id.Name)}
		if p.Hint = lang.absent[id.Name]; p.Hint == "" {
			p.Hint = didYouMean(id.Name, defined)
		}
		out = append(out, p)
		return true
	})
	return out
}

// evalProblem turns an error of running code into a place and a sentence: the
// innermost position within the file.
func evalProblem(path string, err error) Problem {
	p := Problem{File: path, Line: 1, Col: 1, Message: err.Error()}
	if ee, ok := errors.AsType[*starlark.EvalError](err); ok {
		p.Message = ee.Msg
		for i := range ee.CallStack {
			if f := ee.CallStack.At(i); f.Pos.Filename() == path && f.Pos.Line > 0 {
				p.Line, p.Col = int(f.Pos.Line), int(f.Pos.Col)
				break
			}
		}
	}
	p.Message = strings.TrimPrefix(p.Message, "Starlark computation cancelled: ")
	p.Message = strings.ToValidUTF8(p.Message, "\uFFFD")
	if len(p.Message) > maxMessage {
		p.Message = strings.ToValidUTF8(p.Message[:maxMessage], "") + "…"
	}
	return p
}

const maxMessage = 1000

// didYouMean suggests the nearest of names; empty when none is near.
func didYouMean(name string, names []string) string {
	best, least := "", len(name)/2+1
	if len(name) < 3 {
		return ""
	}
	for _, n := range names {
		if strings.HasPrefix(n, "$") {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n), least); d < least {
			best, least = n, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// distance is the Levenshtein distance of a and b, or limit if it is not below that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 60 || len(b) > 60 {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return min(row[len(b)], limit)
}

func contains(list []string, s string) bool {
	return slices.Contains(list, s)
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// tokens of the operators that hooks stand for.
func operatorToken(op string) syntax.Token {
	return map[string]syntax.Token{
		"+": syntax.PLUS, "-": syntax.MINUS, "*": syntax.STAR, "/": syntax.SLASH, "//": syntax.SLASHSLASH,
		"%": syntax.PERCENT, "&": syntax.AMP, "|": syntax.PIPE, "^": syntax.CIRCUMFLEX, "<<": syntax.LTLT,
		">>": syntax.GTGT, "==": syntax.EQL, "!=": syntax.NEQ, "<": syntax.LT, "<=": syntax.LE,
		">": syntax.GT, ">=": syntax.GE, "in": syntax.IN, "not in": syntax.NOT_IN,
	}[op]
}
