package handler

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// universe is what a handler finds without an import: Python's names, each with its
// own charge. Starlark's own universe is not visible beyond None, True and False.
func universe() starlark.StringDict {
	out := starlark.StringDict{}
	charged := func(name string, charge func(e *evaluation, args starlark.Tuple) error) {
		inner := starlark.Universe[name].(*starlark.Builtin)
		out[name] = starlark.NewBuiltin(name, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if err := charge(evaluationOf(t), args); err != nil {
				return nil, err
			}
			return inner.CallInternal(t, args, kwargs)
		})
	}
	for _, name := range []string{"abs", "bool", "chr", "len", "ord", "type"} {
		charged(name, func(*evaluation, starlark.Tuple) error { return nil })
	}
	for _, name := range []string{"all", "any"} {
		charged(name, func(e *evaluation, args starlark.Tuple) error { return e.work(2 * lengths(args)) })
	}
	for _, name := range []string{"list", "reversed", "tuple"} {
		charged(name, chargeItems)
	}
	for _, name := range []string{"enumerate", "zip"} {
		charged(name, func(e *evaluation, args starlark.Tuple) error {
			if err := chargeItems(e, args); err != nil {
				return err
			}
			return e.alloc(80 * lengths(args))
		})
	}
	charged("dict", func(e *evaluation, args starlark.Tuple) error { return e.alloc(600 + 150*lengths(args)) })
	for _, name := range []string{"max", "min"} {
		charged(name, chargeOrder)
	}
	charged("sorted", func(e *evaluation, args starlark.Tuple) error {
		if err := chargeItems(e, args); err != nil {
			return err
		}
		return chargeOrder(e, args)
	})
	charged("range", chargeRange)
	for _, name := range []string{"int", "float"} {
		charged(name, chargeNumber)
	}
	add := func(name string, f builtinFunc) { out[name] = starlark.NewBuiltin(name, f) }
	add("str", strBuiltin)
	add("repr", reprHook)
	add("print", printBuiltin)
	add("fail", failBuiltin)
	add("sum", sumBuiltin)
	add("getattr", getattrBuiltin)
	add("hasattr", hasattrBuiltin)
	add("isinstance", isinstanceBuiltin)
	return out
}

func lengths(args starlark.Tuple) int {
	n := 0
	for _, a := range args {
		n += length(a)
	}
	return n
}

func chargeItems(e *evaluation, args starlark.Tuple) error {
	n := 64
	for _, a := range args {
		n += itemBytes(a, e.left()) + 16*length(a)
	}
	return e.alloc(n)
}

// chargeOrder charges for comparing all items with each other in a sort.
func chargeOrder(e *evaluation, args starlark.Tuple) error {
	n, limit := 0, 4*int(e.limits.Steps)
	for _, a := range args {
		if _, isRange := a.(*starlark.List); !isRange && scalar(a) {
			n += length(a)
			continue
		}
		one, err := size(a, limit)
		if err != nil {
			return errors.New("these values are too large to put in order")
		}
		n += one / 8
	}
	return e.work(n * bits.Len(uint(n)) / 4)
}

func chargeRange(_ *evaluation, args starlark.Tuple) error {
	part := [3]int{0, 0, 1}
	for i, a := range args {
		if _, isInt := a.(starlark.Int); !isInt || i > 2 {
			return nil // range says what is wrong
		}
		n, err := starlark.AsInt32(a)
		if err != nil {
			return fmt.Errorf("range of %s: the number is too large", a)
		}
		part[i] = n
	}
	if len(args) == 1 {
		part[0], part[1] = 0, part[0]
	}
	if part[2] != 0 && (part[1]-part[0])/part[2] > maxRange {
		return fmt.Errorf("a range of more than %d numbers", maxRange)
	}
	return nil
}

func chargeNumber(_ *evaluation, args starlark.Tuple) error {
	for _, a := range args {
		if s, ok := a.(starlark.String); ok && len(s) > maxIntBits/3 {
			return fmt.Errorf("the text is too long to be a number")
		}
	}
	return nil
}

func strBuiltin(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) != 1 || len(kwargs) > 0 {
		return nil, fmt.Errorf("str takes one value")
	}
	if err := evaluationOf(t).chargeFormat("", 1, args[0]); err != nil {
		return nil, err
	}
	return starlark.String(text(args[0])), nil
}

// joined is what print and fail say.
func joined(e *evaluation, args starlark.Tuple, sep string) (string, error) {
	if err := e.chargeFormat("", 1, args...); err != nil {
		return "", err
	}
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = text(a)
	}
	return strings.Join(parts, sep), nil
}

func printBuiltin(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	e, sep := evaluationOf(t), " "
	for _, kv := range kwargs {
		switch name, s := text(kv[0]), text(kv[1]); name {
		case "sep":
			sep = s
		case "end", "flush", "file":
		default:
			return nil, fmt.Errorf("print has no argument %q", name)
		}
	}
	if len(sep) > maxPrint {
		return nil, fmt.Errorf("print: sep is too long")
	}
	line, err := joined(e, args, sep)
	if err != nil {
		return nil, err
	}
	e.print(line)
	return starlark.None, nil
}

func (e *evaluation) print(line string) {
	switch {
	case len(e.prints) > maxPrints:
		return
	case len(e.prints) == maxPrints:
		line = fmt.Sprintf("… more than %d lines; the rest is left out", maxPrints)
	case len(line) > maxPrint:
		line = strings.ToValidUTF8(line[:maxPrint], "") + "…"
	}
	e.prints = append(e.prints, strings.Clone(strings.ToValidUTF8(line, "\uFFFD")))
}

func failBuiltin(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	msg, err := joined(evaluationOf(t), args, " ")
	if err != nil {
		return nil, err
	}
	return nil, errors.New(msg)
}

func sumBuiltin(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Iterable
	total := starlark.Value(starlark.MakeInt(0))
	if err := starlark.UnpackPositionalArgs("sum", args, nil, 1, &list, &total); err != nil {
		return nil, err
	}
	e := evaluationOf(t)
	if err := e.work(4 * length(list)); err != nil {
		return nil, err
	}
	for x := range starlark.Elements(list) {
		var err error
		if total, err = e.binary(syntax.PLUS, total, x); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func getattrBuiltin(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	var x, missing starlark.Value
	var name string
	if err := starlark.UnpackPositionalArgs("getattr", args, nil, 2, &x, &name, &missing); err != nil {
		return nil, err
	}
	e := evaluationOf(t)
	if missing != nil && !e.has(x, name) {
		return missing, nil
	}
	return e.attr(x, name)
}

func hasattrBuiltin(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	var name string
	if err := starlark.UnpackPositionalArgs("hasattr", args, nil, 2, &x, &name); err != nil {
		return nil, err
	}
	return starlark.Bool(evaluationOf(t).has(x, name)), nil
}

// has reports whether x has the attribute, without reading it.
func (e *evaluation) has(x starlark.Value, name string) bool {
	if builtinType(x) {
		return e.lang.guards[x.Type()][name] != nil
	}
	a, ok := x.(starlark.HasAttrs)
	return ok && contains(a.AttrNames(), name)
}

// isinstanceBuiltin knows the built-in types, which are named like their functions.
func isinstanceBuiltin(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("isinstance takes a value and a type")
	}
	types, many := args[1].(starlark.Tuple)
	if !many {
		types = starlark.Tuple{args[1]}
	}
	for _, kind := range types {
		b, ok := kind.(*starlark.Builtin)
		if !ok {
			return nil, fmt.Errorf("isinstance knows str, int, float, bool, list, dict and tuple")
		}
		name := b.Name()
		if name == "str" {
			name = "string"
		}
		if args[0].Type() == name {
			return starlark.True, nil
		}
	}
	return starlark.False, nil
}
