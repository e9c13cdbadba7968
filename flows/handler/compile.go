package handler

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"breakglass/flows/handler/python"
)

// entryPoint is the reducer that every handler has.
const entryPoint = "get_approvers"

// program is one handler file, compiled and loaded: its globals are frozen, so that
// any number of evaluations share it.
type program struct {
	globals starlark.StringDict
	entry   *starlark.Function
}

// Check says everything that is wrong with a handler file, without asking anybody:
// what cannot be read, what is not supported, what is named and not there, what fails
// while the file is loaded, and a missing get_approvers. No problems: it can run.
func Check(name string, source []byte) []Problem {
	_, problems := compile(name, source, Limits{}.orDefaults())
	return problems
}

// compile reads, lowers, resolves and loads a file. Loading runs the top level under
// the limits; it asks nobody and reads no clock, so the outcome is always the same.
func compile(name string, source []byte, limits Limits) (*program, []Problem) {
	tree, errs := python.Parse(source)
	var problems []Problem
	for _, e := range errs {
		problems = append(problems, Problem{File: name, Line: e.Line, Col: e.Col, Message: e.Message, Hint: e.Hint})
	}
	lang := theLanguage()
	file, l := lower(name, tree, lang)
	l.check()
	problems = append(problems, l.problems...)
	unknown := map[string]bool{}
	prog, err := starlark.FileProgram(file, func(name string) bool {
		if !lang.predeclared.Has(name) && !isConstant(name) {
			unknown[name] = true
		}
		return !isConstant(name)
	})
	if len(errs) == 0 { // a file that was not read whole would miss names that are there
		if err != nil {
			problems = append(problems, resolveProblems(name, err)...)
		}
		defined := append(append(keys(l.static.stores), keys(l.static.bound)...), lang.names...)
		problems = append(problems, undefined(file, unknown, defined, lang)...)
		problems = append(problems, l.missingEntry()...)
	}
	if len(problems) > 0 {
		return nil, sortProblems(problems)
	}
	return load(name, prog, limits)
}

func load(name string, prog *starlark.Program, limits Limits) (*program, []Problem) {
	e := &evaluation{meter: meter{limits: limits}, lang: theLanguage(), loading: true}
	globals, err := prog.Init(e.newThread(name, e), e.lang.predeclared)
	if err != nil {
		return nil, []Problem{evalProblem(name, err)}
	}
	globals.Freeze()
	entry, ok := globals[entryPoint].(*starlark.Function)
	if !ok {
		return nil, []Problem{{File: name, Line: 1, Col: 1, Message: entryPoint + " is not a function", Hint: "write def " + entryPoint + "(evt):"}}
	}
	if n := required(entry); n != 1 {
		pos := entry.Position()
		return nil, []Problem{{File: name, Line: int(pos.Line), Col: int(pos.Col), Message: fmt.Sprintf("%s is called with one argument, the event", entryPoint), Hint: "write def " + entryPoint + "(evt):"}}
	}
	return &program{globals: globals, entry: entry}, nil
}

// required is 1 if the function can be called with exactly one positional argument.
func required(f *starlark.Function) int {
	n, positional := 0, f.NumParams()-f.NumKwonlyParams()
	if f.HasVarargs() {
		positional--
	}
	if f.HasKwargs() {
		positional--
	}
	for i := range positional {
		if f.ParamDefault(i) == nil {
			n++
		}
	}
	for i := range f.NumKwonlyParams() {
		if f.ParamDefault(positional+i) == nil {
			return 0
		}
	}
	if n == 0 && (positional > 0 || f.HasVarargs()) {
		return 1
	}
	return n
}

// missingEntry tells that there is no get_approvers, before anything is run.
func (l *lowerer) missingEntry() []Problem {
	if l.static.defs[entryPoint] != nil || l.static.stores[entryPoint] > 0 || l.static.bound[entryPoint] != nil {
		return nil
	}
	p := Problem{File: l.path, Line: 1, Col: 1, Message: "there is no " + entryPoint, Hint: "write def " + entryPoint + "(evt): and return slack.user(…) or slack.group(…)"}
	if hint := didYouMean(entryPoint, keys(l.static.defs)); hint != "" {
		name := strings.TrimSuffix(strings.TrimPrefix(hint, "did you mean "), "?")
		at := l.static.defs[name].Name.Pos
		p.Line, p.Col, p.Hint = at.Line, at.Col, "rename "+name+" to "+entryPoint
	}
	return []Problem{p}
}
