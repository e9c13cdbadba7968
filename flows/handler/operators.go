package handler

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// builtinFunc is how Starlark calls a Go function.
type builtinFunc = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// operators are the hooks that the lowerer puts in place of operators and displays.
func operators() starlark.StringDict {
	out := starlark.StringDict{}
	add := func(name string, f builtinFunc) { out[name] = starlark.NewBuiltin(name, f) }
	for _, op := range []string{"+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>"} {
		tok := operatorToken(op)
		add("$"+op, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return evaluationOf(t).binary(tok, args[0], args[1])
		})
	}
	for _, op := range []string{"==", "!=", "<", "<=", ">", ">="} {
		tok := operatorToken(op)
		add("$"+op, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return evaluationOf(t).compare(tok, args[0], args[1])
		})
	}
	for _, op := range []string{"in", "not in"} {
		tok := operatorToken(op)
		add("$"+op, func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return evaluationOf(t).member(tok, args[0], args[1])
		})
	}
	add("$+=", extendHook)
	add("$|=", updateHook)
	add("$**", powerHook)
	add("$is", isHook)
	add("$tuple", tupleHook)
	add("$args", argsHook)
	add("$star", starHook)
	add("$dict", dictHook)
	add("$slice", sliceHook)
	add("$fstring", fstringHook)
	add("$repr", reprHook)
	add("$assert", assertHook)
	add("$attr", attrHook)
	add("$call", callHook)
	return out
}

// binary is an arithmetic operator, charged before it is done.
func (e *evaluation) binary(op syntax.Token, x, y starlark.Value) (starlark.Value, error) {
	if a, ok := x.(starlark.Int); ok {
		if b, ok := y.(starlark.Int); ok {
			return integer(op, a, b)
		}
	}
	if err := e.chargeBinary(op, x, y); err != nil {
		return nil, err
	}
	v, err := starlark.Binary(op, x, y)
	if err != nil && strings.HasPrefix(err.Error(), "unknown binary op") {
		return nil, operandsError(op, x, y)
	}
	return v, err
}

func operandsError(op syntax.Token, x, y starlark.Value) error {
	_, left := x.(starlark.String)
	_, right := y.(starlark.String)
	if op == syntax.PLUS && left != right {
		return fmt.Errorf("%s %s %s: only text can be added to text; write str(…) around the other", x.Type(), op, y.Type())
	}
	return fmt.Errorf("%s %s %s is not possible", x.Type(), op, y.Type())
}

func integer(op syntax.Token, x, y starlark.Int) (starlark.Value, error) {
	switch op {
	case syntax.STAR:
		if intBits(x)+intBits(y) > maxIntBits {
			return nil, errInt
		}
	case syntax.LTLT:
		if n, err := starlark.AsInt32(y); err != nil || intBits(x)+n > maxIntBits {
			return nil, errInt
		}
	}
	v, err := starlark.Binary(op, x, y)
	if i, ok := v.(starlark.Int); ok && (op == syntax.PLUS || op == syntax.MINUS) && intBits(i) > maxIntBits {
		return nil, errInt
	}
	return v, err
}

func (e *evaluation) chargeBinary(op syntax.Token, x, y starlark.Value) error {
	switch op {
	case syntax.PLUS:
		return e.alloc(e.weight(x) + e.weight(y))
	case syntax.STAR:
		n, times := e.weight(x), y
		if i, ok := x.(starlark.Int); ok {
			n, times = e.weight(y), i
		}
		count, ok := times.(starlark.Int)
		if n == 0 || !ok {
			return nil
		}
		k, err := starlark.AsInt32(count)
		switch {
		case err != nil || k > 0 && n > e.left()/k:
			return e.alloc(e.left() + 1)
		case k > 0:
			return e.alloc(n * k)
		}
	case syntax.PERCENT:
		if s, ok := x.(starlark.String); ok {
			return e.chargeFormat(string(s), strings.Count(string(s), "%"), y)
		}
	case syntax.PIPE:
		return e.alloc(100 * (length(x) + length(y)))
	}
	return nil
}

// weight is what copying v into a value of its kind allocates.
func (e *evaluation) weight(v starlark.Value) int {
	switch v := v.(type) {
	case starlark.String:
		return len(v)
	case starlark.Bytes:
		return len(v)
	case *starlark.List:
		return 64 + 16*v.Len()
	case starlark.Tuple:
		return tupleBytes(v, e.left())
	}
	return 0
}

// chargeFormat charges for a format with so many holes, each of which may show args.
func (e *evaluation) chargeFormat(format string, holes int, args ...starlark.Value) error {
	total := 0
	for _, a := range args {
		n, err := size(a, e.left())
		if err != nil {
			return err
		}
		total += n + 8
	}
	if holes > 0 && total > e.left()/holes {
		return e.alloc(e.left() + 1)
	}
	return e.alloc(len(format) + holes*total)
}

// scalar reports whether comparing v costs next to nothing.
func scalar(v starlark.Value) bool {
	switch v.(type) {
	case starlark.Tuple, *starlark.List, *starlark.Dict:
		return false
	}
	return true
}

// chargeCompare charges for walking the smaller of two values.
func (e *evaluation) chargeCompare(x, y starlark.Value) error {
	if scalar(x) || scalar(y) {
		return nil
	}
	limit := 4 * int(e.limits.Steps)
	n, err := size(x, limit)
	m, err2 := size(y, limit)
	if err != nil && err2 != nil {
		return errors.New("these values are too large to compare")
	}
	return e.work(min(n, m))
}

func (e *evaluation) compare(op syntax.Token, x, y starlark.Value) (starlark.Value, error) {
	if err := e.chargeCompare(x, y); err != nil {
		return nil, err
	}
	ok, err := starlark.Compare(op, x, y)
	if err != nil {
		return nil, err
	}
	return starlark.Bool(ok), nil
}

func (e *evaluation) member(op syntax.Token, x, y starlark.Value) (starlark.Value, error) {
	if err := e.chargeSearch(y, x); err != nil {
		return nil, err
	}
	v, err := starlark.Binary(op, x, y)
	if err != nil && strings.HasPrefix(err.Error(), "unknown binary op") {
		return nil, fmt.Errorf("%s %s %s is not possible", x.Type(), op, y.Type())
	}
	return v, err
}

// chargeSearch charges for looking for x in all of list.
func (e *evaluation) chargeSearch(list, x starlark.Value) error {
	switch list := list.(type) {
	case starlark.String:
		return e.work(len(list) / 16)
	case *starlark.List, starlark.Tuple:
		if scalar(x) {
			return e.work(length(list))
		}
		n, err := size(list, 4*int(e.limits.Steps))
		if err != nil {
			return errors.New("this value is too large to search")
		}
		return e.work(n)
	}
	return nil
}

func extendHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	e := evaluationOf(t)
	if list, ok := args[0].(*starlark.List); ok {
		if _, err := e.method(list, "extend", args[1:], nil); err != nil {
			return nil, err
		}
		return list, nil
	}
	return e.binary(syntax.PLUS, args[0], args[1])
}

func updateHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	e := evaluationOf(t)
	if d, ok := args[0].(*starlark.Dict); ok {
		if _, err := e.method(d, "update", args[1:], nil); err != nil {
			return nil, err
		}
		return d, nil
	}
	return e.binary(syntax.PIPE, args[0], args[1])
}

func powerHook(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	x, ok1 := args[0].(starlark.Int)
	y, ok2 := args[1].(starlark.Int)
	if ok1 && ok2 && y.Sign() >= 0 {
		n, err := starlark.AsInt32(y)
		if err != nil || n > maxIntBits || intBits(x)*n > 2*maxIntBits {
			return nil, errInt
		}
		return starlark.MakeBigInt(new(big.Int).Exp(x.BigInt(), big.NewInt(int64(n)), nil)), nil
	}
	a, ok1 := starlark.AsFloat(args[0])
	b, ok2 := starlark.AsFloat(args[1])
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%s ** %s is not possible", args[0].Type(), args[1].Type())
	}
	return starlark.Float(math.Pow(a, b)), nil
}

// isHook is "x is True" and "x is False", which 1 and 0 are not.
func isHook(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	x, isBool := args[0].(starlark.Bool)
	want, _ := args[1].(starlark.Bool)
	return starlark.Bool((isBool && x == want) == bool(args[2].Truth())), nil
}

func tupleHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	e := evaluationOf(t)
	if err := e.alloc(tupleBytes(args, e.left())); err != nil {
		return nil, err
	}
	return append(starlark.Tuple(nil), args...), nil
}

// argsHook charges for the tuple that *args made.
func argsHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	e := evaluationOf(t)
	return starlark.None, e.alloc(tupleBytes(args[0], e.left()))
}

func starHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return args[0], evaluationOf(t).alloc(64 * length(args[0]))
}

func dictHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return args[0], evaluationOf(t).alloc(600 + 100*length(args[0]))
}

func sliceHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	e := evaluationOf(t)
	return args[0], e.alloc(e.weight(args[0]))
}

func fstringHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	e := evaluationOf(t)
	if err := e.chargeFormat("", 1, args...); err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, a := range args {
		b.WriteString(text(a))
	}
	return starlark.String(b.String()), nil
}

// text is str(v), for a value whose size was charged.
func text(v starlark.Value) string {
	if s, ok := v.(starlark.String); ok {
		return string(s)
	}
	return v.String()
}

func reprHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	e := evaluationOf(t)
	if err := e.chargeFormat("", 4, args[0]); err != nil {
		return nil, err
	}
	return starlark.String(args[0].String()), nil
}

func assertHook(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if args[0] == starlark.None {
		return nil, errors.New("assertion failed")
	}
	if err := evaluationOf(t).chargeFormat("", 1, args[0]); err != nil {
		return nil, err
	}
	return nil, errors.New("assertion failed: " + text(args[0]))
}
