package handler

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

// attrHook is x.name where it is not called at once.
func attrHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return evaluationOf(t).attr(args[0], string(args[1].(starlark.String)))
}

// callHook is x.name(…): name, x, and the arguments.
func callHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	e, name, x := evaluationOf(t), string(args[0].(starlark.String)), args[1]
	if builtinType(x) {
		return e.method(x, name, args[2:], kwargs)
	}
	fn, err := e.attr(x, name)
	if err != nil {
		return nil, err
	}
	if f, ok := fn.(*function); ok {
		return f.CallInternal(t, args[2:], kwargs)
	}
	return starlark.Call(t, fn, args[2:], kwargs)
}

// builtinType reports whether x is of a type whose methods are Starlark's own.
func builtinType(x starlark.Value) bool {
	switch x.(type) {
	case starlark.String, starlark.Bytes, *starlark.List, *starlark.Dict:
		return true
	}
	return false
}

// attr is the attribute of a value; a method of a built-in type stays guarded.
func (e *evaluation) attr(x starlark.Value, name string) (starlark.Value, error) {
	if builtinType(x) {
		if e.lang.guards[x.Type()][name] == nil {
			return nil, e.missingMethod(x, name)
		}
		return starlark.NewBuiltin(name, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return evaluationOf(t).method(x, name, args, kwargs)
		}), nil
	}
	if has, ok := x.(starlark.HasAttrs); ok {
		v, err := has.Attr(name)
		if v != nil || err != nil {
			return v, err
		}
		return nil, noAttr(x.Type(), name, has.AttrNames())
	}
	return nil, noAttr(x.Type(), name, nil)
}

func noAttr(kind, name string, names []string) error {
	if hint := didYouMean(name, names); hint != "" {
		return fmt.Errorf("%s has no %q (%s)", kind, name, hint)
	}
	return fmt.Errorf("%s has no %q", kind, name)
}

func (e *evaluation) missingMethod(x starlark.Value, name string) error {
	return noAttr(x.Type(), name, keys(e.lang.guards[x.Type()]))
}

// method calls a method of a built-in type after its guard has charged for it.
func (e *evaluation) method(x starlark.Value, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	guard := e.lang.guards[x.Type()][name]
	if guard == nil {
		return nil, e.missingMethod(x, name)
	}
	if err := guard(e, x, args, kwargs); err != nil {
		return nil, err
	}
	fn, err := x.(starlark.HasAttrs).Attr(name)
	if err != nil {
		return nil, err
	}
	return fn.(*starlark.Builtin).CallInternal(e.thread, args, kwargs)
}

// guard charges for a method call before it is made.
type guard = func(e *evaluation, x starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error

// methodGuards lists every method that may be called, by type; what is not here is
// refused.
func methodGuards() map[string]map[string]guard {
	return map[string]map[string]guard{
		"string": {
			"capitalize": copies, "lower": copies, "title": copies, "upper": copies,
			"count": scans, "endswith": scans, "find": scans, "index": scans, "rfind": scans, "rindex": scans, "startswith": scans,
			"isalnum": scans, "isalpha": scans, "isdigit": scans, "islower": scans, "isspace": scans, "istitle": scans, "isupper": scans,
			"lstrip": scans, "rstrip": scans, "strip": scans, "partition": parts, "rpartition": parts,
			"removeprefix": scans, "removesuffix": scans,
			"format": formats, "join": joins, "replace": replaces, "split": splits, "rsplit": splits, "splitlines": splits,
		},
		"bytes": {},
		"list": {
			"append": grows, "clear": free, "extend": extends, "index": searches, "insert": inserts, "pop": shifts, "remove": searches,
		},
		"dict": {
			"clear": free, "get": free, "items": itemsOf, "keys": listsOf, "pop": free, "setdefault": grows,
			"update": updates, "values": listsOf,
		},
	}
}

func free(*evaluation, starlark.Value, starlark.Tuple, []starlark.Tuple) error { return nil }

func copies(e *evaluation, x starlark.Value, _ starlark.Tuple, _ []starlark.Tuple) error {
	return e.alloc(3 * e.weight(x))
}

func scans(e *evaluation, x starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	n := e.weight(x)
	for _, a := range args {
		n += e.weight(a)
	}
	return e.work(n / 16)
}

func parts(e *evaluation, x starlark.Value, _ starlark.Tuple, _ []starlark.Tuple) error {
	return e.alloc(64 + e.weight(x))
}

func formats(e *evaluation, x starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error {
	all := append(starlark.Tuple(nil), args...)
	for _, kv := range kwargs {
		all = append(all, kv[1])
	}
	s := string(x.(starlark.String))
	return e.chargeFormat(s, 4*strings.Count(s, "{"), all...)
}

func joins(e *evaluation, x starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) != 1 {
		return nil // the method says what is wrong
	}
	return e.alloc(itemBytes(args[0], e.left()) + e.weight(x)*length(args[0]))
}

func replaces(e *evaluation, x starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) < 2 {
		return nil
	}
	s, old, by := text(x), e.weight(args[0]), e.weight(args[1])
	count := len(s) + 1
	if o, ok := args[0].(starlark.String); ok && old > 0 {
		count = strings.Count(s, string(o))
	}
	if by > 0 && count > e.left()/by {
		return e.alloc(e.left() + 1)
	}
	return e.alloc(len(s) + count*by)
}

func splits(e *evaluation, x starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	s := text(x)
	count := len(s)/2 + 1
	if len(args) > 0 {
		if sep, ok := args[0].(starlark.String); ok && sep != "" {
			count = strings.Count(s, string(sep)) + 1
		}
	}
	return e.alloc(64 * count)
}

func grows(e *evaluation, x starlark.Value, _ starlark.Tuple, _ []starlark.Tuple) error {
	return e.alloc(64)
}

func inserts(e *evaluation, x starlark.Value, _ starlark.Tuple, _ []starlark.Tuple) error {
	if err := e.work(length(x) / 16); err != nil {
		return err
	}
	return e.alloc(64)
}

func shifts(e *evaluation, x starlark.Value, _ starlark.Tuple, _ []starlark.Tuple) error {
	return e.work(length(x) / 16)
}

func extends(e *evaluation, _ starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) != 1 {
		return nil
	}
	return e.alloc(48 * length(args[0]))
}

func searches(e *evaluation, x starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) == 0 {
		return nil
	}
	return e.chargeSearch(x, args[0])
}

func itemsOf(e *evaluation, x starlark.Value, _ starlark.Tuple, _ []starlark.Tuple) error {
	n := 64
	for k, v := range x.(*starlark.Dict).Entries() {
		if n += 80 + tupleBytes(k, e.left()) + tupleBytes(v, e.left()); n > e.left() {
			break
		}
	}
	return e.alloc(n)
}

func listsOf(e *evaluation, x starlark.Value, _ starlark.Tuple, _ []starlark.Tuple) error {
	return e.alloc(64 + 16*length(x))
}

func updates(e *evaluation, _ starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error {
	n := len(kwargs)
	for _, a := range args {
		n += length(a)
	}
	return e.alloc(150 * n)
}
