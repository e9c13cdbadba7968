package handler

import (
	"go.starlark.net/syntax"

	"breakglass/flows/handler/python"
)

func (l *lowerer) expr(x python.Expr) syntax.Expr {
	switch x := x.(type) {
	case *python.Name:
		return l.ident(x.Pos, x.ID)
	case *python.Const:
		if x.Word == "..." {
			return l.none(x.Pos)
		}
		return l.ident(x.Pos, x.Word)
	case *python.Num:
		return l.num(x)
	case *python.Str:
		tok, v := syntax.STRING, any(x.Text)
		if x.Bytes {
			tok = syntax.BYTES
		}
		return &syntax.Literal{Token: tok, TokenPos: l.pos(x.Pos), Raw: `""`, Value: v}
	case *python.FString:
		return l.fstring(x)
	case *python.Attr:
		l.static.attr(x)
		return l.hook("$attr", x.Dot, l.expr(x.X), l.text(x.NamePos, x.Name))
	case *python.Index:
		return &syntax.IndexExpr{X: l.expr(x.X), Lbrack: l.pos(x.Lbrack), Y: l.expr(x.I), Rbrack: l.pos(x.Lbrack)}
	case *python.Slice:
		out := &syntax.SliceExpr{X: l.hook("$slice", x.Lbrack, l.expr(x.X)), Lbrack: l.pos(x.Lbrack), Rbrack: l.pos(x.Lbrack)}
		out.Lo, out.Hi, out.Step = l.optional(x.Lo), l.optional(x.Hi), l.optional(x.Step)
		return out
	case *python.Call:
		return l.call(x)
	case *python.Unary:
		return l.unary(x)
	case *python.Binary:
		return l.binary(x)
	case *python.Compare:
		return l.compare(x)
	case *python.Cond:
		return l.paren(x.Pos, &syntax.CondExpr{If: l.pos(x.Pos), Cond: l.expr(x.Test), True: l.expr(x.Then), ElsePos: l.pos(x.Pos), False: l.expr(x.Else)})
	case *python.Lambda:
		return l.lambda(x)
	case *python.Sequence:
		return l.sequence(x)
	case *python.Dict:
		return l.dict(x)
	case *python.Comp:
		return l.comp(x)
	}
	l.problem(x.Start(), "", "this cannot stand here")
	return l.none(x.Start())
}

func (l *lowerer) optional(x python.Expr) syntax.Expr {
	if x == nil {
		return nil
	}
	return l.expr(x)
}

func (l *lowerer) paren(at python.Pos, x syntax.Expr) syntax.Expr {
	return &syntax.ParenExpr{Lparen: l.pos(at), X: x, Rparen: l.pos(at)}
}

func (l *lowerer) num(x *python.Num) syntax.Expr {
	out := &syntax.Literal{Token: syntax.INT, TokenPos: l.pos(x.Pos), Raw: x.Text}
	switch {
	case x.IsFloat:
		out.Token, out.Value = syntax.FLOAT, x.Float
	case x.Int.IsInt64():
		out.Value = x.Int.Int64()
	default:
		out.Value = x.Int
	}
	return out
}

// fstring becomes one hook with its pieces; "!r" wraps a piece in repr.
func (l *lowerer) fstring(x *python.FString) syntax.Expr {
	args := make([]syntax.Expr, 0, len(x.Parts))
	for _, p := range x.Parts {
		if p.X == nil {
			args = append(args, l.text(p.Pos, p.Text))
			continue
		}
		if len(p.Spec) > 0 {
			l.problem(p.Pos, "round or pad the value first, and put it in without the part after the colon", "format specs in f-strings are not supported yet")
		}
		v := l.expr(p.X)
		if p.Conv == 'r' || p.Conv == 'a' {
			v = l.hook("$repr", p.Pos, v)
		}
		args = append(args, v)
	}
	return l.hook("$fstring", x.Pos, args...)
}

// call lowers a call; a method call is one hook, so that no bound method is made.
func (l *lowerer) call(x *python.Call) syntax.Expr {
	l.static.call(x)
	args := make([]syntax.Expr, 0, len(x.Args)+2)
	out := &syntax.CallExpr{Lparen: l.pos(x.Lparen), Rparen: l.pos(x.Lparen)}
	if m, ok := x.Fn.(*python.Attr); ok {
		l.static.attr(m)
		out.Fn = l.ident(m.Dot, "$call")
		out.Lparen = l.pos(m.NamePos)
		args = append(args, l.text(m.NamePos, m.Name), l.expr(m.X))
	} else {
		out.Fn = l.expr(x.Fn)
	}
	for _, a := range x.Args {
		v := l.expr(a.X)
		switch {
		case a.Name != "":
			v = &syntax.BinaryExpr{X: l.ident(a.Pos, a.Name), OpPos: l.pos(a.Pos), Op: syntax.EQ, Y: v}
		case a.Stars == 1:
			v = &syntax.UnaryExpr{OpPos: l.pos(a.Pos), Op: syntax.STAR, X: l.hook("$star", a.Pos, v)}
		case a.Stars == 2:
			v = &syntax.UnaryExpr{OpPos: l.pos(a.Pos), Op: syntax.STARSTAR, X: l.hook("$star", a.Pos, v)}
		}
		args = append(args, v)
	}
	out.Args = args
	return out
}

func (l *lowerer) unary(x *python.Unary) syntax.Expr {
	op := map[string]syntax.Token{"not": syntax.NOT, "-": syntax.MINUS, "+": syntax.PLUS, "~": syntax.TILDE}[x.Op]
	return l.paren(x.Pos, &syntax.UnaryExpr{OpPos: l.pos(x.Pos), Op: op, X: l.expr(x.X)})
}

func (l *lowerer) binary(x *python.Binary) syntax.Expr {
	switch x.Op {
	case "and", "or":
		op := syntax.AND
		if x.Op == "or" {
			op = syntax.OR
		}
		return l.paren(x.Pos, &syntax.BinaryExpr{X: l.expr(x.X), OpPos: l.pos(x.OpPos), Op: op, Y: l.expr(x.Y)})
	case "@":
		l.problem(x.OpPos, "", "@ between values is not supported")
		return l.none(x.Pos)
	}
	return l.hook("$"+x.Op, x.OpPos, l.expr(x.X), l.expr(x.Y))
}

// compare lowers a comparison; a chain needs middles that can be read twice.
func (l *lowerer) compare(x *python.Compare) syntax.Expr {
	left := x.X
	var out syntax.Expr
	for i, c := range x.Rest {
		if i > 0 && !simple(left) {
			l.problem(left.Start(), "give the middle a name first, on a line of its own", "a chained comparison needs a name or a plain value in the middle")
		}
		step := l.compareOne(left, c)
		if out == nil {
			out = step
		} else {
			out = l.paren(x.Pos, &syntax.BinaryExpr{X: out, OpPos: l.pos(c.OpPos), Op: syntax.AND, Y: step})
		}
		left = c.Y
	}
	return out
}

func (l *lowerer) compareOne(x python.Expr, c python.Comparison) syntax.Expr {
	op := c.Op
	if op == "is" || op == "is not" {
		if _, isConst := c.Y.(*python.Const); !isConst {
			l.problem(c.OpPos, "to compare values, write == or !=", "%q is for None, True and False only", op)
		}
		op = map[string]string{"is": "==", "is not": "!="}[op]
		if w, ok := c.Y.(*python.Const); ok && w.Word != "None" {
			return l.hook("$is", c.OpPos, l.expr(x), l.expr(c.Y), l.ident(c.OpPos, map[bool]string{true: "True", false: "False"}[op == "=="]))
		}
	}
	if (op == "==" || op == "!=") && (literal(x) || literal(c.Y)) {
		tok := map[string]syntax.Token{"==": syntax.EQL, "!=": syntax.NEQ}[op]
		return l.paren(x.Start(), &syntax.BinaryExpr{X: l.expr(x), OpPos: l.pos(c.OpPos), Op: tok, Y: l.expr(c.Y)})
	}
	return l.hook("$"+op, c.OpPos, l.expr(x), l.expr(c.Y))
}

// literal reports whether comparing with x costs nothing.
func literal(x python.Expr) bool {
	switch x.(type) {
	case *python.Const, *python.Num, *python.Str:
		return true
	}
	return false
}

// simple reports whether x can be read twice to the same effect.
func simple(x python.Expr) bool {
	switch x := x.(type) {
	case *python.Name, *python.Const, *python.Num, *python.Str:
		return true
	case *python.Attr:
		return simple(x.X)
	case *python.Unary:
		return simple(x.X)
	}
	return false
}

func (l *lowerer) lambda(x *python.Lambda) syntax.Expr {
	for _, p := range x.Params {
		if p.Stars == 1 && p.Name != nil {
			l.problem(p.Pos, "write a def", "a lambda with *%s is not supported", p.Name.ID)
		}
	}
	return l.paren(x.Pos, &syntax.LambdaExpr{Lambda: l.pos(x.Pos), Params: l.params(x.Params), Body: l.expr(x.Body)})
}

func (l *lowerer) sequence(x *python.Sequence) syntax.Expr {
	items := make([]syntax.Expr, 0, len(x.Items))
	for _, e := range x.Items {
		if s, ok := e.(*python.Starred); ok {
			l.problem(s.Pos, "join lists with +", "* within a list or tuple is not supported yet")
			e = s.X
		}
		items = append(items, l.expr(e))
	}
	switch x.Open {
	case '[':
		return &syntax.ListExpr{Lbrack: l.pos(x.Pos), List: items, Rbrack: l.pos(x.Pos)}
	case '{':
		l.problem(x.Pos, "write a list [a, b], or a dict {a: True, b: True}", "sets are not supported yet")
		return l.none(x.Pos)
	}
	if len(items) > 200 {
		l.problem(x.Pos, "write a list", "a tuple of more than 200 items is not supported")
		return l.none(x.Pos)
	}
	return l.hook("$tuple", x.Pos, items...)
}

func (l *lowerer) dict(x *python.Dict) syntax.Expr {
	out := &syntax.DictExpr{Lbrace: l.pos(x.Pos), Rbrace: l.pos(x.Pos)}
	for i, k := range x.Keys {
		if k == nil {
			l.problem(x.Values[i].Start(), "join dicts with |", "** within a dict is not supported yet")
			continue
		}
		at := l.pos(k.Start())
		out.List = append(out.List, &syntax.DictEntry{Key: l.expr(k), Colon: at, Value: l.expr(x.Values[i])})
	}
	return l.hook("$dict", x.Pos, out)
}

// comp lowers a comprehension; a generator is a list made at once.
func (l *lowerer) comp(x *python.Comp) syntax.Expr {
	if x.Kind == '{' {
		l.problem(x.Pos, "write a list comprehension [… for …]", "sets are not supported yet")
	}
	out := &syntax.Comprehension{Lbrack: l.pos(x.Pos), Rbrack: l.pos(x.Pos)}
	for _, c := range x.Clauses {
		out.Clauses = append(out.Clauses, &syntax.ForClause{For: l.pos(c.Pos), Vars: l.target(c.Target), In: l.pos(c.Pos), X: l.expr(c.Iter)})
		for _, cond := range c.Ifs {
			out.Clauses = append(out.Clauses, &syntax.IfClause{If: l.pos(cond.Start()), Cond: l.expr(cond)})
		}
	}
	if x.Kind == ':' {
		out.Curly = true
		out.Body = &syntax.DictEntry{Key: l.expr(x.Elt), Colon: l.pos(x.Elt.Start()), Value: l.expr(x.Value)}
		return l.hook("$dict", x.Pos, out)
	}
	out.Body = l.expr(x.Elt)
	return out
}
