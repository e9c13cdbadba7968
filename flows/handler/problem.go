package handler

import (
	"errors"
	"fmt"
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

// sortProblems orders by place and drops what is told twice.
func sortProblems(in []Problem) []Problem {
	sort.SliceStable(in, func(i, j int) bool {
		if in[i].Line != in[j].Line {
			return in[i].Line < in[j].Line
		}
		return in[i].Col < in[j].Col
	})
	out := in[:0]
	for i, p := range in {
		if i == 0 || p != in[i-1] {
			out = append(out, p)
		}
	}
	return out
}

// resolveProblems translates what Starlark's resolver found.
func resolveProblems(path string, err error, lang *language, defined []string) []Problem {
	var list resolve.ErrorList
	if !errors.As(err, &list) {
		return []Problem{{File: path, Line: 1, Col: 1, Message: err.Error()}}
	}
	var out []Problem
	for _, e := range list {
		p := Problem{File: path, Line: int(e.Pos.Line), Col: int(e.Pos.Col), Message: e.Msg}
		if name, ok := strings.CutPrefix(e.Msg, "undefined: "); ok {
			name, _, _ = strings.Cut(name, " ")
			p.Message = fmt.Sprintf("the name %q is not defined", name)
			if p.Hint = lang.absent[name]; p.Hint == "" {
				p.Hint = didYouMean(name, append(defined, lang.names...))
			}
		}
		out = append(out, p)
	}
	return out
}

// evalProblem turns an error of running code into a place and a sentence: the
// innermost position within the file.
func evalProblem(path string, err error) Problem {
	p := Problem{File: path, Line: 1, Col: 1, Message: err.Error()}
	var ee *starlark.EvalError
	if errors.As(err, &ee) {
		p.Message = ee.Msg
		for i := range ee.CallStack {
			if f := ee.CallStack.At(i); f.Pos.Filename() == path && f.Pos.Line > 0 {
				p.Line, p.Col = int(f.Pos.Line), int(f.Pos.Col)
				break
			}
		}
	}
	p.Message = strings.TrimPrefix(p.Message, "Starlark computation cancelled: ")
	if len(p.Message) > maxMessage {
		p.Message = strings.ToValidUTF8(p.Message[:maxMessage], "") + "…"
	}
	return p
}

const maxMessage = 1000

// didYouMean suggests the nearest of names; empty when none is near.
func didYouMean(name string, names []string) string {
	best, least := "", len(name)/2+1
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
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
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
