package python

// keyword reports whether s cannot be a name.
func keyword(s string) bool {
	switch s {
	case "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
		"def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in",
		"is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield":
		return true
	}
	return false
}

// exprList reads "a" or the tuple "a, b" with optional stars.
func (p *parser) exprList() Expr {
	at := p.tok().pos
	x := p.starred()
	if !p.isOp(",") {
		if s, ok := x.(*Starred); ok {
			panic(p.bail(s.Pos, "", "* cannot stand here"))
		}
		return x
	}
	seq := &Sequence{Pos: at, Open: '(', Items: []Expr{x}}
	for p.take(",") {
		if p.endsList() {
			break
		}
		seq.Items = append(seq.Items, p.starred())
	}
	return seq
}

// endsList reports whether a trailing comma has just been read.
func (p *parser) endsList() bool {
	switch t := p.tok(); t.kind {
	case tNewline, tEOF:
		return true
	case tOp:
		switch t.text {
		case ")", "]", "}", ":", "=", ";":
			return true
		}
	}
	return false
}

func (p *parser) starred() Expr {
	if t := p.tok(); p.take("*") {
		return &Starred{Pos: t.pos, X: p.binary(0)}
	}
	return p.named()
}

// named reads a test; the walrus is told, not taken.
func (p *parser) named() Expr {
	x := p.test()
	if t := p.tok(); t.kind == tOp && t.text == ":=" {
		panic(p.bail(t.pos, "write the assignment on a line of its own", ":= is not supported"))
	}
	return x
}

// test reads a conditional expression, a lambda or anything below.
func (p *parser) test() Expr {
	defer p.deeper()()
	t := p.tok()
	if t.kind == tName {
		switch t.text {
		case "lambda":
			p.next()
			l := &Lambda{Pos: t.pos, Params: p.params(":")}
			p.want(":", "after the parameters of the lambda")
			l.Body = p.test()
			return l
		case "yield":
			panic(p.bail(t.pos, "collect the values in a list and return it", "yield is not supported"))
		case "await":
			panic(p.bail(t.pos, "write it without async and await", "await is not supported"))
		}
	}
	x := p.or()
	if !p.isWord("if") {
		return x
	}
	p.next()
	c := &Cond{Pos: t.pos, Then: x, Test: p.or()}
	p.want("else", "in the conditional expression")
	c.Else = p.test()
	return c
}

func (p *parser) or() Expr { return p.logic("or", func() Expr { return p.logic("and", p.not) }) }

func (p *parser) logic(word string, operand func() Expr) Expr {
	at := p.tok().pos
	x := operand()
	for n := 0; p.isWord(word); n++ {
		p.chain(n)
		op := p.next()
		x = &Binary{Pos: at, X: x, Op: word, OpPos: op.pos, Y: operand()}
	}
	return x
}

// chain holds the length of what nests to the left.
func (p *parser) chain(n int) {
	if n > maxChain {
		panic(p.bail(p.tok().pos, "split it up", "this expression is too long"))
	}
}

func (p *parser) not() Expr {
	t := p.tok()
	if !p.isWord("not") {
		return p.comparison()
	}
	defer p.deeper()()
	p.next()
	return &Unary{Pos: t.pos, Op: "not", X: p.not()}
}

func (p *parser) comparison() Expr {
	at := p.tok().pos
	x := p.binary(0)
	var rest []Comparison
	for n := 0; ; n++ {
		op, pos := p.compareOp()
		if op == "" {
			break
		}
		p.chain(n)
		rest = append(rest, Comparison{Op: op, OpPos: pos, Y: p.binary(0)})
	}
	if rest == nil {
		return x
	}
	return &Compare{Pos: at, X: x, Rest: rest}
}

// compareOp takes a comparison operator; empty if there is none.
func (p *parser) compareOp() (string, Pos) {
	t := p.tok()
	if t.kind == tOp {
		switch t.text {
		case "<", ">", "<=", ">=", "==", "!=":
			p.next()
			return t.text, t.pos
		}
		return "", t.pos
	}
	if t.kind != tName {
		return "", t.pos
	}
	switch {
	case t.text == "in":
		p.next()
		return "in", t.pos
	case t.text == "is":
		p.next()
		if p.take("not") {
			return "is not", t.pos
		}
		return "is", t.pos
	case t.text == "not" && p.toks[min(p.i+1, len(p.toks)-1)].text == "in":
		p.next()
		p.next()
		return "not in", t.pos
	}
	return "", t.pos
}

// level is the precedence of a binary operator, -1 if it is none.
func level(op string) int {
	switch op {
	case "|":
		return 0
	case "^":
		return 1
	case "&":
		return 2
	case "<<", ">>":
		return 3
	case "+", "-":
		return 4
	case "*", "/", "//", "%", "@":
		return 5
	}
	return -1
}

// binary reads operators of at least precedence min, left to right.
func (p *parser) binary(min int) Expr {
	at := p.tok().pos
	x := p.unary()
	for n := 0; ; n++ {
		t := p.tok()
		lv := level(t.text)
		if t.kind != tOp || lv < min {
			return x
		}
		p.chain(n)
		p.next()
		x = &Binary{Pos: at, X: x, Op: t.text, OpPos: t.pos, Y: p.binary(lv + 1)}
	}
}

func (p *parser) unary() Expr {
	t := p.tok()
	if t.kind == tOp && (t.text == "-" || t.text == "+" || t.text == "~") {
		defer p.deeper()()
		p.next()
		return &Unary{Pos: t.pos, Op: t.text, X: p.unary()}
	}
	x := p.primary()
	if op := p.tok(); op.kind == tOp && op.text == "**" {
		defer p.deeper()()
		p.next()
		return &Binary{Pos: t.pos, X: x, Op: "**", OpPos: op.pos, Y: p.unary()}
	}
	return x
}

// primary reads an atom and the calls, indices and attributes behind it.
func (p *parser) primary() Expr {
	at := p.tok().pos
	x := p.atom()
	for n := 0; ; n++ {
		p.chain(n)
		t := p.tok()
		if t.kind != tOp {
			return x
		}
		switch t.text {
		case ".":
			p.next()
			nt := p.tok()
			if nt.kind != tName {
				panic(p.bail(nt.pos, "", "expected a name after the dot, found %s", nt.describe()))
			}
			p.next()
			x = &Attr{Pos: at, X: x, Dot: t.pos, Name: nt.text, NamePos: nt.pos}
		case "(":
			p.next()
			x = &Call{Pos: at, Fn: x, Lparen: t.pos, Args: p.args()}
		case "[":
			p.next()
			x = p.subscript(x, at, t.pos)
		default:
			return x
		}
	}
}

// args reads arguments and the closing bracket.
func (p *parser) args() []Arg {
	var out []Arg
	for !p.isOp(")") {
		t := p.tok()
		a := Arg{Pos: t.pos}
		switch {
		case p.take("**"):
			a.Stars, a.X = 2, p.test()
		case p.take("*"):
			a.Stars, a.X = 1, p.test()
		case t.kind == tName && !keyword(t.text) && p.toks[min(p.i+1, len(p.toks)-1)].text == "=":
			p.next()
			p.next()
			a.Name, a.X = t.text, p.test()
		default:
			a.X = p.named()
			if p.isWord("for") {
				a.X = p.comp(t.pos, '(', a.X, nil)
			}
		}
		out = append(out, a)
		if !p.take(",") {
			break
		}
	}
	p.want(")", "after the arguments")
	return out
}

func (p *parser) subscript(x Expr, at, lbrack Pos) Expr {
	var part [3]Expr
	n := 0
	for n < 3 {
		if !p.isOp(":") && !p.isOp("]") {
			part[n] = p.exprList()
		}
		if !p.take(":") {
			break
		}
		n++
	}
	p.want("]", "after the index")
	if n > 0 {
		return &Slice{Pos: at, X: x, Lbrack: lbrack, Lo: part[0], Hi: part[1], Step: part[2]}
	}
	if part[0] == nil {
		panic(p.bail(lbrack, "", "the index is missing"))
	}
	return &Index{Pos: at, X: x, Lbrack: lbrack, I: part[0]}
}
