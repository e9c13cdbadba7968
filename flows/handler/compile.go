package handler

import (
	"fmt"
	"strings"

	"go.starlark.net/resolve"
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
	if len(errs) == 0 {
		// Resolving changes the tree, so it gets one of its own; Starlark's universe is
		// hidden here, which FileProgram could not do.
		draft, _ := lower(name, tree, lang)
		if err := resolve.File(draft, lang.predeclared.Has, isConstant); err != nil {
			problems = append(problems, resolveProblems(name, err, lang, append(keys(l.static.stores), keys(l.static.bound)...))...)
		}
		problems = append(problems, l.missingEntry()...)
	}
	if len(problems) > 0 {
		return nil, sortProblems(problems)
	}
	prog, err := starlark.FileProgram(file, lang.predeclared.Has)
	if err != nil {
		return nil, resolveProblems(name, err, lang, nil)
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
	for i := 0; i < positional; i++ {
		if f.ParamDefault(i) == nil {
			n++
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
