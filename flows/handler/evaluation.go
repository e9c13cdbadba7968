package handler

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"breakglass/flows"
)

// evaluation is one run of a handler, or (loading set) of the top level of its file.
type evaluation struct {
	meter
	ctx     context.Context
	lang    *language
	opts    *Options
	in      flows.ReduceInput
	loading bool

	scratch call
	calls   []flows.HostCall
	results []result // of calls, by index
	tainted bool
	prints  []string
	rotas   []*rota
	found   []*person // who was asked about and is on call
	me      *person
	emails  map[string]flows.PersonID // of links, lower case; built when first asked for
}

type result struct {
	value starlark.Value
	err   error
}

func evaluationOf(t *starlark.Thread) *evaluation { return t.Local(localKey).(*evaluation) }

// ask makes a host call: recorded with its answer, and asked once, however often the
// handler asks the same. do fills in the answer; its error taints the evaluation,
// whatever becomes of the error in the handler.
func (e *evaluation) ask(name string, args []flows.Arg, do func(*flows.HostCall) (starlark.Value, error)) (starlark.Value, error) {
	if e.loading {
		return nil, fmt.Errorf("%s is asked within %s, not while the file is loaded", name, entryPoint)
	}
	for i := range e.calls {
		if e.calls[i].Name == name && sameArgs(e.calls[i].Args, args) {
			return e.results[i].value, e.results[i].err
		}
	}
	if len(e.calls) >= e.limits.Calls {
		e.tainted = true
		return nil, fmt.Errorf("more than %d different questions in one evaluation", e.limits.Calls)
	}
	if e.calls == nil {
		e.calls, e.results = make([]flows.HostCall, 0, 2), make([]result, 0, 2)
	}
	host := flows.HostCall{Name: name, Args: args}
	v, err := do(&host)
	if err != nil {
		host.Result, host.Error, host.Answer = flows.Unknown, err.Error(), nil
		e.tainted = true
	}
	e.calls = append(e.calls, host)
	e.results = append(e.results, result{v, err})
	return v, err
}

func sameArgs(a, b []flows.Arg) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !same(a[i].Value, b[i].Value) {
			return false
		}
	}
	return true
}

func same(a, b any) bool {
	x, ok1 := a.([]any)
	y, ok2 := b.([]any)
	if !ok1 && !ok2 {
		return a == b
	}
	if ok1 != ok2 || len(x) != len(y) {
		return false
	}
	for i := range x {
		if !same(x[i], y[i]) {
			return false
		}
	}
	return true
}

// open is a text argument as evidence shows it: as it is, unless somebody typed it into
// the request; then it is hers.
func (e *evaluation) open(s string) any {
	s = strings.ToValidUTF8(s, "\uFFFD") // slicing text can break it, and evidence must be UTF-8
	c := &e.in.Request.Content
	for _, f := range c.Fields {
		if typed := f.Value.Raw(); len(typed) > 2 && strings.Contains(s, typed) {
			return flows.Personal{About: c.Requester, Value: s}
		}
	}
	if typed := c.Reason.Raw(); len(typed) > 2 && strings.Contains(s, typed) {
		return flows.Personal{About: c.Requester, Value: s}
	}
	return s
}

// requester is evt.user, one value for the whole evaluation.
func (e *evaluation) requester() *person {
	if e.me == nil {
		e.me = e.person(e.in.Request.Content.Requester)
	}
	return e.me
}

var errNoDirectory = errors.New("no Slack directory is configured here")
