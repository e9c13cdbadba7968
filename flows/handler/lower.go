package handler

import (
	"fmt"
	"slices"

	"go.starlark.net/syntax"

	"breakglass/flows/handler/python"
)

// lowerer turns Python's tree into Starlark's, keeping every position. Operators,
// attributes and whatever else could allocate without limit become calls of the hooks
// of guard.go ("$+", "$call", …: names that no source can spell). What cannot be run
// yet becomes a Problem that says what to write instead.
type lowerer struct {
	path     string
	lang     *language
	problems []Problem
	scope    string // the function we are in; empty at the top level
	static   *static
}

func lower(path string, tree *python.File, lang *language) (*syntax.File, *lowerer) {
	l := &lowerer{path: path, lang: lang, static: newStatic()}
	f := &syntax.File{
		Path:  path,
		Stmts: l.stmts(tree.Body),
		Options: &syntax.FileOptions{
			While: true, TopLevelControl: true, GlobalReassign: true,
		},
	}
	return f, l
}

func (l *lowerer) pos(p python.Pos) syntax.Position {
	return syntax.MakePosition(&l.path, int32(p.Line), int32(p.Col))
}

func (l *lowerer) problem(at python.Pos, hint, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: l.path, Line: at.Line, Col: at.Col, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (l *lowerer) ident(at python.Pos, name string) *syntax.Ident {
	return &syntax.Ident{NamePos: l.pos(at), Name: name}
}

func (l *lowerer) text(at python.Pos, s string) *syntax.Literal {
	return &syntax.Literal{Token: syntax.STRING, TokenPos: l.pos(at), Raw: `""`, Value: s}
}

func (l *lowerer) none(at python.Pos) syntax.Expr { return l.ident(at, "None") }

// hook calls one of the built-in hooks; errors in it are at the position at.
func (l *lowerer) hook(name string, at python.Pos, args ...syntax.Expr) syntax.Expr {
	p := l.pos(at)
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: p, Name: name}, Lparen: p, Args: args, Rparen: p}
}

func (l *lowerer) assign(at python.Pos, lhs, rhs syntax.Expr) syntax.Stmt {
	return &syntax.AssignStmt{OpPos: l.pos(at), Op: syntax.EQ, LHS: lhs, RHS: rhs}
}

func (l *lowerer) pass(at python.Pos) syntax.Stmt {
	return &syntax.BranchStmt{Token: syntax.PASS, TokenPos: l.pos(at)}
}

// The variables that statements keep values in while they run; no source can name them.
const (
	tempValue = "$value"
	tempBox   = "$box"
	tempKey   = "$key"
)

// stmts lowers a block; a block is never empty in Starlark.
func (l *lowerer) stmts(in []python.Stmt) []syntax.Stmt {
	out := make([]syntax.Stmt, 0, len(in))
	for _, s := range in {
		out = append(out, l.stmt(s)...)
	}
	return out
}

func (l *lowerer) block(at python.Pos, in []python.Stmt) []syntax.Stmt {
	out := l.stmts(in)
	if len(out) == 0 {
		out = append(out, l.pass(at))
	}
	return out
}

func one(s syntax.Stmt) []syntax.Stmt { return []syntax.Stmt{s} }

func (l *lowerer) stmt(s python.Stmt) []syntax.Stmt {
	switch s := s.(type) {
	case *python.ExprStmt:
		if _, doc := s.X.(*python.Str); doc {
			return nil
		}
		return one(&syntax.ExprStmt{X: l.expr(s.X)})
	case *python.Assign:
		return l.assignStmt(s)
	case *python.AugAssign:
		return l.augment(s)
	case *python.If:
		out := &syntax.IfStmt{If: l.pos(s.Pos), Cond: l.expr(s.Cond), True: l.block(s.Pos, s.Body), ElsePos: l.pos(s.ElsePos)}
		if s.Else != nil {
			out.False = l.block(s.ElsePos, s.Else)
		}
		return one(out)
	case *python.While:
		l.noElse("while", s.Pos, s.Else)
		return one(&syntax.WhileStmt{While: l.pos(s.Pos), Cond: l.expr(s.Cond), Body: l.block(s.Pos, s.Body)})
	case *python.For:
		l.noElse("for", s.Pos, s.Else)
		return one(&syntax.ForStmt{For: l.pos(s.Pos), Vars: l.target(s.Target), X: l.expr(s.Iter), Body: l.block(s.Pos, s.Body)})
	case *python.FuncDef:
		return l.funcDef(s)
	case *python.Return:
		out := &syntax.ReturnStmt{Return: l.pos(s.Pos)}
		if s.Value != nil {
			out.Result = l.expr(s.Value)
		}
		return one(out)
	case *python.Branch:
		tok := map[string]syntax.Token{"pass": syntax.PASS, "break": syntax.BREAK, "continue": syntax.CONTINUE}[s.Word]
		return one(&syntax.BranchStmt{Token: tok, TokenPos: l.pos(s.Pos)})
	case *python.Import, *python.FromImport:
		return l.imports(s)
	case *python.Assert:
		msg := l.none(s.Pos)
		if s.Msg != nil {
			msg = l.expr(s.Msg)
		}
		not := &syntax.UnaryExpr{OpPos: l.pos(s.Pos), Op: syntax.NOT, X: l.expr(s.Cond)}
		return one(&syntax.IfStmt{If: l.pos(s.Pos), Cond: not, True: one(&syntax.ExprStmt{X: l.hook("$assert", s.Pos, msg)})})
	}
	return l.unsupported(s)
}

func (l *lowerer) noElse(word string, at python.Pos, body []python.Stmt) {
	if body != nil {
		l.problem(at, "set a variable in the loop and test it afterwards", "a %s with an else is not supported", word)
		l.stmts(body)
	}
}

// unsupported tells what cannot be run yet. What stands inside is lowered in place, so
// that its own problems are told at once too.
func (l *lowerer) unsupported(s python.Stmt) []syntax.Stmt {
	var out []syntax.Stmt
	switch s := s.(type) {
	case *python.Try:
		l.problem(s.Pos, "leave try out: an error already stops the handler, and the flow's fallback decides", "try is not supported yet")
		out = l.stmts(s.Body)
		for _, h := range s.Handlers {
			if h.As != nil {
				out = append(out, l.assign(h.Pos, l.target(h.As), l.none(h.Pos)))
			}
			out = append(out, l.stmts(h.Body)...)
		}
		return append(append(out, l.stmts(s.Else)...), l.stmts(s.Finally)...)
	case *python.With:
		l.problem(s.Pos, "call the functions one after the other", "with is not supported yet")
		for _, item := range s.Items {
			if item.As != nil {
				out = append(out, l.assign(s.Pos, l.target(item.As), l.expr(item.X)))
			}
		}
		return append(out, l.stmts(s.Body)...)
	case *python.ClassDef:
		l.problem(s.Pos, "write functions, and keep data in a dict", "classes are not supported yet")
		return one(l.assign(s.Pos, l.target(s.Name), l.none(s.Pos)))
	case *python.Raise:
		l.problem(s.Pos, `write fail("what went wrong")`, "raise is not supported yet")
	case *python.Del:
		l.problem(s.Pos, "for an entry of a dict or list, write d.pop(key)", "del is not supported yet")
	case *python.Scope:
		l.problem(s.Pos, "return the value from the function", "%s is not supported: what is at the top of the file cannot change later", s.Word)
	}
	return nil
}

func (l *lowerer) assignStmt(s *python.Assign) []syntax.Stmt {
	value := l.expr(s.Value)
	if len(s.Targets) == 1 {
		return one(l.assign(s.Op, l.target(s.Targets[0]), value))
	}
	out := one(l.assign(s.Op, l.ident(s.Pos, tempValue), value))
	for _, target := range s.Targets {
		out = append(out, l.assign(s.Op, l.target(target), l.ident(s.Pos, tempValue)))
	}
	return out
}

// augment lowers "x op= y" to "x = $op=(x, y)"; a container and its key are evaluated
// once, into temporaries.
func (l *lowerer) augment(s *python.AugAssign) []syntax.Stmt {
	if s.Op == "@" {
		l.problem(s.OpPos, "", "@= is not supported")
		return nil
	}
	op := "$" + s.Op
	if s.Op == "+" || s.Op == "|" {
		op += "=" // lists and dicts change in place
	}
	switch t := s.Target.(type) {
	case *python.Index:
		item := func() syntax.Expr {
			return &syntax.IndexExpr{X: l.ident(t.Pos, tempBox), Lbrack: l.pos(t.Lbrack), Y: l.ident(t.Pos, tempKey), Rbrack: l.pos(t.Lbrack)}
		}
		return []syntax.Stmt{
			l.assign(s.OpPos, l.ident(t.Pos, tempBox), l.expr(t.X)),
			l.assign(s.OpPos, l.ident(t.Pos, tempKey), l.expr(t.I)),
			l.assign(s.OpPos, item(), l.hook(op, s.OpPos, item(), l.expr(s.Value))),
		}
	case *python.Name:
		return one(l.assign(s.OpPos, l.target(t), l.hook(op, s.OpPos, l.expr(t), l.expr(s.Value))))
	}
	l.problem(s.Target.Start(), "", "nothing can be assigned to this")
	return nil
}

// target lowers what is assigned to.
func (l *lowerer) target(x python.Expr) syntax.Expr {
	switch x := x.(type) {
	case *python.Name:
		l.static.store(x.ID)
		return l.ident(x.Pos, x.ID)
	case *python.Index:
		return &syntax.IndexExpr{X: l.expr(x.X), Lbrack: l.pos(x.Lbrack), Y: l.expr(x.I), Rbrack: l.pos(x.Lbrack)}
	case *python.Sequence:
		out := &syntax.ListExpr{Lbrack: l.pos(x.Pos), Rbrack: l.pos(x.Pos)}
		for _, e := range x.Items {
			out.List = append(out.List, l.target(e))
		}
		return out
	case *python.Starred:
		l.problem(x.Pos, "take the parts by index: first = xs[0], rest = xs[1:]", "* in an assignment is not supported")
		return l.target(x.X)
	case *python.Attr:
		l.problem(x.NamePos, "keep values in variables or in a dict", "attributes cannot be assigned to")
	case *python.Slice:
		l.problem(x.Lbrack, "build a new list", "slices cannot be assigned to")
	}
	return l.ident(x.Start(), tempValue)
}

func (l *lowerer) funcDef(s *python.FuncDef) []syntax.Stmt {
	outer := l.scope
	l.static.store(s.Name.ID)
	l.static.define(s, outer == "")
	def := &syntax.DefStmt{Def: l.pos(s.Pos), Name: l.ident(s.Name.Pos, s.Name.ID), Lparen: l.pos(s.Name.Pos), Rparen: l.pos(s.Name.Pos)}
	def.Params = l.params(s.Params)
	var body []syntax.Stmt
	for _, p := range s.Params {
		if p.Stars == 1 && p.Name != nil {
			body = append(body, &syntax.ExprStmt{X: l.hook("$args", p.Pos, l.ident(p.Pos, p.Name.ID))})
		}
	}
	l.scope = s.Name.ID
	leave := l.static.enter(s, outer == "")
	body = append(body, l.block(s.Pos, s.Body)...)
	def.Body = body
	leave()
	l.scope = outer
	out := one(def)
	for _, v := range slices.Backward(s.Decorators) {
		at := v.Start()
		call := &syntax.CallExpr{Fn: l.expr(v), Lparen: l.pos(at), Args: []syntax.Expr{l.ident(at, s.Name.ID)}, Rparen: l.pos(at)}
		out = append(out, l.assign(at, l.ident(at, s.Name.ID), call))
	}
	return out
}

func (l *lowerer) params(in []python.Param) []syntax.Expr {
	out := make([]syntax.Expr, 0, len(in))
	for _, p := range in {
		var name *syntax.Ident
		if p.Name != nil {
			l.static.store(p.Name.ID)
			name = l.ident(p.Name.Pos, p.Name.ID)
		}
		switch {
		case p.Stars > 0:
			star := &syntax.UnaryExpr{OpPos: l.pos(p.Pos), Op: syntax.STAR}
			if p.Stars == 2 {
				star.Op = syntax.STARSTAR
			}
			if name != nil {
				star.X = name
			}
			out = append(out, star)
		case p.Default != nil:
			out = append(out, &syntax.BinaryExpr{X: name, OpPos: l.pos(p.Pos), Op: syntax.EQ, Y: l.expr(p.Default)})
		default:
			out = append(out, name)
		}
	}
	return out
}
