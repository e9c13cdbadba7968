package handler

import (
	"maps"
	"sync"

	"go.starlark.net/starlark"
)

// language is all that a handler file can name: built once, never written to.
type language struct {
	predeclared starlark.StringDict // with the hooks, and every import under importKey
	names       []string            // of the universe, for suggestions
	modules     map[string]*module  // by the name that import takes
	guards      map[string]map[string]guard
	absent      map[string]string // names of Python that are not here: what to write instead
}

var theLanguage = sync.OnceValue(newLanguage)

func newLanguage() *language {
	l := &language{predeclared: universe(), guards: methodGuards(), modules: map[string]*module{}, absent: absentNames()}
	pagerduty, slack, annotations := pagerdutyModule(), slackModule(), annotationsModule()
	l.modules["breakglass"] = join("breakglass", starlark.StringDict{"pagerduty": pagerduty, "slack": slack}, annotations)
	l.modules["breakglass.pagerduty"] = pagerduty
	l.modules["breakglass.slack"] = slack
	integrations := join("sym.sdk.integrations", starlark.StringDict{"pagerduty": pagerduty, "slack": slack})
	l.modules["sym.sdk"] = join("sym.sdk", starlark.StringDict{"annotations": annotations, "integrations": integrations})
	l.modules["sym.sdk.annotations"] = annotations
	l.modules["sym.sdk.integrations"] = integrations
	l.modules["sym.sdk.integrations.pagerduty"] = pagerduty
	l.modules["sym.sdk.integrations.slack"] = slack
	// Sym's own samples use them without an import
	maps.Copy(l.predeclared, annotations.members)
	l.names = keys(l.predeclared)
	for path, m := range l.modules {
		l.predeclared[importKey(path, "")] = m
		for name, v := range m.members {
			l.predeclared[importKey(path, name)] = v
		}
	}
	maps.Copy(l.predeclared, operators())
	return l
}

// isConstant holds what of Starlark's universe stays visible.
func isConstant(name string) bool { return name == "None" || name == "True" || name == "False" }

// absentNames are names of Python that people will look for.
func absentNames() map[string]string {
	later := "exceptions are not supported yet; to stop, write fail(\"why\")"
	return map[string]string{
		"map": "write [f(x) for x in xs]", "filter": "write [x for x in xs if f(x)]", "set": "write a list, or a dict with True as values",
		"next": "write xs[0] after testing xs", "iter": "write for x in xs", "round": "write int(x + 0.5)", "pow": "write x ** y",
		"open": "a handler has no files", "input": "a handler has nobody to ask", "eval": "write the code itself", "exec": "write the code itself",
		"format": "write an f-string", "dir": "see the stubs of breakglass flow stubs", "vars": "write evt.flow.vars", "globals": "name what you mean",
		"Exception": later, "ValueError": later, "RuntimeError": later, "SymException": later, "PagerDutyError": later, "SlackError": later,
		"super": "classes are not supported yet", "object": "classes are not supported yet", "property": "classes are not supported yet",
		"bytes": "write text, with plain quotes", "frozenset": "write a tuple", "lambda_": "write lambda", "pagerduty": "add from breakglass import pagerduty",
		"slack": "add from breakglass import slack", "null": "write None", "true": "write True", "false": "write False",
	}
}

// module is what an import binds.
type module struct {
	name    string
	members starlark.StringDict
	missing map[string]string // what is known not to be here: what to write instead
}

func join(name string, members starlark.StringDict, more ...*module) *module {
	m := &module{name: name, members: members, missing: map[string]string{}}
	for _, o := range more {
		maps.Copy(m.members, o.members)
	}
	return m
}

func (m *module) String() string        { return "<module " + m.name + ">" }
func (m *module) Type() string          { return m.name }
func (m *module) Freeze()               {}
func (m *module) Truth() starlark.Bool  { return true }
func (m *module) Hash() (uint32, error) { return starlark.String(m.name).Hash() }

// Attr implements starlark.HasAttrs.
func (m *module) Attr(name string) (starlark.Value, error) { return m.members[name], nil }

// AttrNames implements starlark.HasAttrs.
func (m *module) AttrNames() []string { return keys(m.members) }

func (m *module) hint(name string) string {
	if h := m.missing[name]; h != "" {
		return h
	}
	return didYouMean(name, m.AttrNames())
}

// annotationsModule has the decorators, which only mark: with arguments or without.
func annotationsModule() *module {
	mark := func(_ *evaluation, c *call) (starlark.Value, error) {
		if fn, ok := c.arg("fn").(starlark.Callable); ok {
			return fn, nil
		}
		return starlark.NewBuiltin("decorator", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return args[0], nil
		}), nil
	}
	m := join("annotations", starlark.StringDict{})
	for _, name := range []string{"reducer", "hook", "prefetch", "action"} {
		m.members[name] = &function{name: name, params: []string{"fn"}, open: true, run: mark}
	}
	return m
}
