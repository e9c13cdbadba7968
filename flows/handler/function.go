package handler

import (
	"fmt"

	"go.starlark.net/starlark"
)

// function is a function of a module: its parameters in order, all of which may be
// given by name, and what it does.
type function struct {
	name   string
	params []string
	need   int    // how many of the first params must be given
	rest   string // takes any number of positional arguments under this name; empty: does not
	open   bool   // takes any other named argument too, and ignores it
	run    func(e *evaluation, c *call) (starlark.Value, error)
}

// call is one call of a function with its arguments sorted out.
type call struct {
	fn   *function
	args [8]starlark.Value // as fn.params; nil where not given
	rest starlark.Tuple
}

func (f *function) String() string        { return "<function " + f.name + ">" }
func (f *function) Type() string          { return "function" }
func (f *function) Freeze()               {}
func (f *function) Truth() starlark.Bool  { return true }
func (f *function) Hash() (uint32, error) { return starlark.String(f.name).Hash() }

// Name implements starlark.Callable.
func (f *function) Name() string { return f.name }

// CallInternal implements starlark.Callable.
func (f *function) CallInternal(t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	e := evaluationOf(t)
	c := &e.scratch // functions of modules do not call each other
	*c = call{fn: f}
	switch {
	case f.rest != "":
		c.rest = args
	case len(args) > len(f.params) && !f.open:
		return nil, fmt.Errorf("%s takes at most %d arguments", f.name, len(f.params))
	default:
		copy(c.args[:len(f.params)], args)
	}
	for _, kv := range kwargs {
		name := string(kv[0].(starlark.String))
		i := f.index(name)
		if i < 0 {
			if f.open {
				continue
			}
			return nil, noArgument(f, name)
		}
		if c.args[i] != nil {
			return nil, fmt.Errorf("%s got %s twice", f.name, name)
		}
		c.args[i] = kv[1]
	}
	for i := 0; i < f.need; i++ {
		if c.args[i] == nil {
			return nil, fmt.Errorf("%s needs %s", f.name, f.params[i])
		}
	}
	return f.run(e, c)
}

func (f *function) index(name string) int {
	for i, p := range f.params {
		if p == name {
			return i
		}
	}
	return -1
}

func noArgument(f *function, name string) error {
	if hint := didYouMean(name, f.params); hint != "" {
		return fmt.Errorf("%s has no argument %q (%s)", f.name, name, hint)
	}
	return fmt.Errorf("%s has no argument %q", f.name, name)
}

// arg is an argument by name; nil where it was not given.
func (c *call) arg(name string) starlark.Value { return c.args[c.fn.index(name)] }

// str is an argument that must be text that is not empty, if it was given. An explicit
// None or "" is refused: an empty variable must not turn "this policy" into "any".
func (c *call) str(name string) (string, error) {
	v := c.arg(name)
	if v == nil {
		return "", nil
	}
	s, ok := starlark.AsString(v)
	switch {
	case v == starlark.None:
		return "", fmt.Errorf("%s: %s is None; leave it out to ask about any", c.fn.name, name)
	case !ok:
		return "", fmt.Errorf("%s: %s must be text, not %s", c.fn.name, name, v.Type())
	case s == "":
		return "", fmt.Errorf("%s: %s is empty; leave it out to ask about any", c.fn.name, name)
	}
	return s, nil
}

// integer is an argument that must be a whole number of at least one, if it was given;
// 0 where it was not.
func (c *call) integer(name string) (int, error) {
	v := c.arg(name)
	if v == nil || v == starlark.None {
		return 0, nil
	}
	n, err := starlark.AsInt32(v)
	if _, isInt := v.(starlark.Int); !isInt || err != nil || n < 1 {
		return 0, fmt.Errorf("%s: %s must be a whole number from 1", c.fn.name, name)
	}
	return n, nil
}
