package python

// compound reads a statement with a block of its own; nil if the next is none.
func (p *parser) compound() Stmt {
	t := p.tok()
	if t.kind == tOp && t.text == "@" {
		return p.decorated()
	}
	if t.kind != tName {
		return nil
	}
	switch t.text {
	case "if":
		p.next()
		return p.ifStmt(t.pos)
	case "while":
		p.next()
		s := &While{Pos: t.pos, Cond: p.named()}
		s.Body = p.block("while")
		s.Else = p.elseBlock()
		return s
	case "for":
		p.next()
		s := &For{Pos: t.pos, Target: p.targets()}
		p.want("in", "after the names of the for")
		s.Iter = p.exprList()
		s.Body = p.block("for")
		s.Else = p.elseBlock()
		return s
	case "def":
		return p.funcDef(nil)
	case "class":
		return p.classDef(nil)
	case "try":
		return p.tryStmt()
	case "with":
		return p.withStmt()
	case "async":
		panic(p.bail(t.pos, "write it without async and await", "async is not supported"))
	case "else", "elif", "except", "finally":
		panic(p.bail(t.pos, "line it up with the statement it belongs to", "%q belongs to nothing above it", t.text))
	}
	return nil
}

func (p *parser) elseBlock() []Stmt {
	if !p.take("else") {
		return nil
	}
	return p.block("else")
}

func (p *parser) ifStmt(at Pos) Stmt {
	defer p.deeper()()
	s := &If{Pos: at, Cond: p.named()}
	s.Body = p.block("if")
	s.ElsePos = p.tok().pos
	switch {
	case p.take("elif"):
		s.Else = []Stmt{p.ifStmt(s.ElsePos)}
	case p.isWord("else"):
		s.Else = p.elseBlock()
	}
	return s
}

func (p *parser) decorated() Stmt {
	var decorators []Expr
	for p.take("@") {
		decorators = append(decorators, p.named())
		if !p.at(tNewline, "") {
			panic(p.bail(p.tok().pos, "", "a decorator stands on a line of its own"))
		}
		p.next()
	}
	switch {
	case p.isWord("def"):
		return p.funcDef(decorators)
	case p.isWord("class"):
		return p.classDef(decorators)
	}
	panic(p.bail(p.tok().pos, "put it right above def", "a decorator belongs to a def, found %s", p.tok().describe()))
}

func (p *parser) funcDef(decorators []Expr) Stmt {
	s := &FuncDef{Pos: p.next().pos, Decorators: decorators}
	s.Name = p.name("a name after def")
	p.want("(", "after the name of the function")
	s.Params = p.params(")")
	p.want(")", "after the parameters")
	if p.take("->") {
		p.named()
	}
	s.Body = p.block("def")
	return s
}

func (p *parser) classDef(decorators []Expr) Stmt {
	s := &ClassDef{Pos: p.next().pos, Decorators: decorators}
	s.Name = p.name("a name after class")
	if p.take("(") {
		s.Bases = p.args()
	}
	s.Body = p.block("class")
	return s
}

func (p *parser) tryStmt() Stmt {
	s := &Try{Pos: p.next().pos}
	s.Body = p.block("try")
	for p.isWord("except") {
		h := Except{Pos: p.next().pos}
		if !p.isOp(":") {
			p.take("*")
			h.Type = p.exprList()
			if p.take("as") {
				h.As = p.name("a name after as")
			}
		}
		h.Body = p.block("except")
		s.Handlers = append(s.Handlers, h)
	}
	s.Else = p.elseBlock()
	if p.take("finally") {
		s.Finally = p.block("finally")
	}
	if len(s.Handlers) == 0 && s.Finally == nil {
		panic(p.bail(s.Pos, "", "this try has neither except nor finally"))
	}
	return s
}

func (p *parser) withStmt() Stmt {
	s := &With{Pos: p.next().pos}
	for {
		item := WithItem{X: p.test()}
		if p.take("as") {
			item.As = p.target()
		}
		s.Items = append(s.Items, item)
		if !p.take(",") {
			break
		}
	}
	s.Body = p.block("with")
	return s
}

// params reads parameters up to end; annotations are dropped.
func (p *parser) params(end string) []Param {
	var out []Param
	for !p.isOp(end) {
		t := p.tok()
		one := Param{Pos: t.pos}
		switch {
		case p.take("/"):
			p.note(t.pos, "leave the / out", "positional-only parameters are not supported")
			p.take(",")
			continue
		case p.take("**"):
			one.Stars, one.Name = 2, p.name("a name after **")
		case p.take("*"):
			one.Stars = 1
			if !p.isOp(",") {
				one.Name = p.name("a name after *")
			}
		default:
			one.Name = p.name("a parameter")
		}
		if end == ")" && p.take(":") {
			p.test() // the annotation
		}
		if p.take("=") {
			one.Default = p.test()
		}
		out = append(out, one)
		if !p.take(",") {
			break
		}
	}
	return out
}

func (p *parser) name(what string) *Name {
	t := p.tok()
	if t.kind != tName || keyword(t.text) {
		hint := ""
		if t.kind == tName {
			hint = "take another name"
		}
		panic(p.bail(t.pos, hint, "expected %s, found %s", what, t.describe()))
	}
	p.next()
	return &Name{Pos: t.pos, ID: t.text}
}

// simple reads one statement without a block.
func (p *parser) simple() Stmt {
	t := p.tok()
	if t.kind == tName {
		switch t.text {
		case "pass", "break", "continue":
			p.next()
			return &Branch{Pos: t.pos, Word: t.text}
		case "return":
			p.next()
			s := &Return{Pos: t.pos}
			if !p.endsSimple() {
				s.Value = p.exprList()
			}
			return s
		case "import":
			p.next()
			return &Import{Pos: t.pos, Names: p.importNames(true)}
		case "from":
			return p.fromImport()
		case "raise":
			return p.raise()
		case "assert":
			p.next()
			s := &Assert{Pos: t.pos, Cond: p.test()}
			if p.take(",") {
				s.Msg = p.test()
			}
			return s
		case "del":
			p.next()
			return &Del{Pos: t.pos, Targets: p.listOf(p.target)}
		case "global", "nonlocal":
			p.next()
			s := &Scope{Pos: t.pos, Word: t.text, Names: []*Name{p.name("a name")}}
			for p.take(",") {
				s.Names = append(s.Names, p.name("a name"))
			}
			return s
		}
	}
	return p.exprStmt()
}

func (p *parser) endsSimple() bool {
	return p.at(tNewline, "") || p.at(tEOF, "") || p.isOp(";")
}

func (p *parser) raise() Stmt {
	s := &Raise{Pos: p.next().pos}
	if !p.endsSimple() {
		s.X = p.test()
		if p.take("from") {
			s.From = p.test()
		}
	}
	return s
}

func (p *parser) fromImport() Stmt {
	s := &FromImport{Pos: p.next().pos}
	s.ModulePos = p.tok().pos
	if p.isOp(".") || p.isOp("...") {
		panic(p.bail(p.tok().pos, "write the module's full name", "relative imports are not supported"))
	}
	s.Module = p.dotted()
	p.want("import", "after the module")
	if t := p.tok(); p.take("*") {
		s.Names = []ImportName{{Pos: t.pos, Name: "*"}}
		return s
	}
	if p.take("(") {
		s.Names = p.importNames(false)
		p.want(")", "after the names")
		return s
	}
	s.Names = p.importNames(false)
	return s
}

func (p *parser) dotted() string {
	out := p.name("a module").ID
	for p.take(".") {
		out += "." + p.name("a name after the dot").ID
	}
	return out
}

func (p *parser) importNames(dots bool) []ImportName {
	var out []ImportName
	for {
		n := ImportName{Pos: p.tok().pos}
		if dots {
			n.Name = p.dotted()
		} else {
			n.Name = p.name("a name to import").ID
		}
		if p.take("as") {
			n.As = p.name("a name after as").ID
		}
		out = append(out, n)
		if !p.take(",") || p.isOp(")") {
			return out
		}
	}
}

// exprStmt reads an expression, an assignment or an augmented assignment.
func (p *parser) exprStmt() Stmt {
	at := p.tok().pos
	x := p.exprList()
	t := p.tok()
	if t.kind != tOp {
		return &ExprStmt{Pos: at, X: x}
	}
	switch t.text {
	case ":":
		p.next()
		p.test() // the annotation
		if t = p.tok(); !p.take("=") {
			return &Branch{Pos: at, Word: "pass"}
		}
		p.assignable(x)
		return &Assign{Pos: at, Targets: []Expr{x}, Op: t.pos, Value: p.exprList()}
	case "=":
		s := &Assign{Pos: at, Op: t.pos, Value: x}
		for p.take("=") {
			p.assignable(s.Value)
			s.Targets = append(s.Targets, s.Value)
			s.Value = p.exprList()
		}
		return s
	case "+=", "-=", "*=", "/=", "//=", "%=", "**=", "&=", "|=", "^=", "<<=", ">>=", "@=":
		p.next()
		switch x.(type) {
		case *Name, *Attr, *Index:
		default:
			panic(p.bail(x.Start(), "", "%s cannot stand here", t.text))
		}
		return &AugAssign{Pos: at, Target: x, Op: t.text[:len(t.text)-1], OpPos: t.pos, Value: p.exprList()}
	}
	return &ExprStmt{Pos: at, X: x}
}

// assignable holds that x can stand on the left of an assignment.
func (p *parser) assignable(x Expr) {
	switch x := x.(type) {
	case *Name, *Attr, *Index, *Slice:
		return
	case *Starred:
		p.assignable(x.X)
		return
	case *Sequence:
		if x.Open != '{' {
			for _, e := range x.Items {
				p.assignable(e)
			}
			return
		}
	}
	panic(p.bail(x.Start(), "to compare, write ==", "nothing can be assigned to this"))
}
