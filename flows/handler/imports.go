package handler

import (
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"breakglass/flows/handler/python"
)

// imports lowers an import to assignments from predeclared values: at the top level
// the names become globals of the file, within a function locals of it.
func (l *lowerer) imports(s python.Stmt) []syntax.Stmt {
	var out []syntax.Stmt
	switch s := s.(type) {
	case *python.Import:
		for _, n := range s.Names {
			out = append(out, l.importModule(n)...)
		}
	case *python.FromImport:
		m := l.lang.modules[s.Module]
		if m == nil {
			l.unknownModule(s.ModulePos, s.Module)
		}
		for _, n := range s.Names {
			out = append(out, l.importName(m, s.Module, n)...)
		}
	}
	return out
}

func (l *lowerer) importModule(n python.ImportName) []syntax.Stmt {
	as := n.As
	if as == "" {
		as, _, _ = strings.Cut(n.Name, ".")
	}
	m := l.lang.modules[n.Name]
	switch {
	case m == nil:
		l.unknownModule(n.Pos, n.Name)
	case n.As == "" && strings.Contains(n.Name, "."):
		i := strings.LastIndexByte(n.Name, '.')
		l.problem(n.Pos, "write from "+n.Name[:i]+" import "+n.Name[i+1:], "a module with dots is imported with from")
	default:
		l.static.bind(as, m)
		return one(l.assign(n.Pos, l.ident(n.Pos, as), l.ident(n.Pos, importKey(n.Name, ""))))
	}
	return one(l.assign(n.Pos, l.ident(n.Pos, as), l.none(n.Pos)))
}

func (l *lowerer) importName(m *module, path string, n python.ImportName) []syntax.Stmt {
	as := n.As
	if as == "" {
		as = n.Name
	}
	if n.Name == "*" {
		l.problem(n.Pos, "name what you use: from breakglass import pagerduty, reducer, slack", "import * is not supported")
		return nil
	}
	if m != nil {
		if v := m.members[n.Name]; v != nil {
			l.static.bind(as, v)
			return one(l.assign(n.Pos, l.ident(n.Pos, as), l.ident(n.Pos, importKey(path, n.Name))))
		}
		hint := m.missing[n.Name]
		if hint == "" {
			hint = didYouMean(n.Name, m.AttrNames())
		}
		l.problem(n.Pos, hint, "%s has no %q", path, n.Name)
	}
	return one(l.assign(n.Pos, l.ident(n.Pos, as), l.none(n.Pos)))
}

func importKey(path, name string) string { return "$import " + path + " " + name }

func (l *lowerer) unknownModule(at python.Pos, path string) {
	root, _, _ := strings.Cut(path, ".")
	var hint string
	switch root {
	case "requests", "urllib", "http", "httpx", "socket":
		hint = "a handler reaches nothing but the modules of breakglass; leave it out"
	case "json", "datetime", "re", "time", "typing", "os", "sys", "random", "logging", "collections", "functools", "itertools":
		hint = "Python's own modules are not supported yet; leave it out"
	default:
		if hint = didYouMean(path, keys(l.lang.modules)); hint == "" {
			hint = "there are " + strings.Join(keys(l.lang.modules), ", ")
		}
	}
	l.problem(at, hint, "there is no module %q", path)
}

// static checks, without running anything, what is used of our modules and of the
// event: names that are bound once, by an import or as the parameter of get_approvers.
type static struct {
	bound  map[string]starlark.Value
	stores map[string]int
	evt    string // the event's parameter, while in get_approvers
	uses   []use
	defs   map[string]*python.FuncDef // top-level functions
}

// use is x.attr, or a call of it, where x is a name.
type use struct {
	name, attr string
	evt        bool
	at         python.Pos
	args       []python.Arg
	called     bool
}

func newStatic() *static {
	return &static{bound: map[string]starlark.Value{}, stores: map[string]int{}, defs: map[string]*python.FuncDef{}}
}

func (s *static) bind(name string, v starlark.Value) {
	if old := s.bound[name]; old != nil && old != v {
		s.store(name)
	}
	s.bound[name] = v
}

func (s *static) store(name string) { s.stores[name]++ }

func (s *static) define(f *python.FuncDef, top bool) {
	if top {
		s.defs[f.Name.ID] = f
	}
}

// enter notes the event's parameter while the body of get_approvers is lowered.
func (s *static) enter(f *python.FuncDef, top bool) func() {
	if top && f.Name.ID == entryPoint && len(f.Params) > 0 && f.Params[0].Name != nil && f.Params[0].Stars == 0 {
		s.evt = f.Params[0].Name.ID
		name, stores, first := s.evt, s.stores[s.evt], len(s.uses)
		return func() {
			s.evt = ""
			for i := first; i < len(s.uses) && s.stores[name] != stores; i++ {
				s.uses[i].evt = false // the name means something else somewhere within
			}
		}
	}
	return func() {}
}

func (s *static) attr(x *python.Attr) {
	if n, ok := x.X.(*python.Name); ok {
		s.uses = append(s.uses, use{name: n.ID, attr: x.Name, evt: s.evt != "" && n.ID == s.evt, at: x.NamePos})
	}
}

func (s *static) call(x *python.Call) {
	switch fn := x.Fn.(type) {
	case *python.Name:
		s.uses = append(s.uses, use{name: fn.ID, at: fn.Pos, args: x.Args, called: true})
	case *python.Attr:
		if n, ok := fn.X.(*python.Name); ok {
			s.uses = append(s.uses, use{name: n.ID, attr: fn.Name, at: fn.NamePos, args: x.Args, called: true})
		}
	}
}

// check reports what is used and not there, after the whole file was lowered.
func (l *lowerer) check() {
	for _, u := range l.static.uses {
		if u.evt {
			if names := eventAttrs; !u.called && !contains(names, u.attr) {
				l.problem(u.at, didYouMean(u.attr, names), "the event has no %q", u.attr)
			}
			continue
		}
		v := l.static.bound[u.name]
		if v == nil || l.static.stores[u.name] > 0 {
			continue
		}
		if m, ok := v.(*module); ok && u.attr != "" {
			if v = m.members[u.attr]; v == nil {
				if !u.called {
					l.problem(u.at, m.hint(u.attr), "%s has no %q", m.name, u.attr)
				}
				continue
			}
		}
		if f, ok := v.(*function); ok && u.called {
			l.checkArgs(f, u)
		}
	}
}

func (l *lowerer) checkArgs(f *function, u use) {
	for _, a := range u.args {
		if a.Name != "" && !f.open && !contains(f.params, a.Name) {
			l.problem(a.Pos, didYouMean(a.Name, f.params), "%s has no argument %q", f.name, a.Name)
		}
	}
}
