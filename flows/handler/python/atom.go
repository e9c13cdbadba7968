package python

import "unicode/utf8"

// atom reads a name, a literal or something in brackets.
func (p *parser) atom() Expr {
	t := p.tok()
	switch t.kind {
	case tNumber:
		p.next()
		n, err := number(t)
		if err != nil {
			panic(bail{*err})
		}
		return n
	case tString:
		return p.strings()
	case tName:
		switch t.text {
		case "None", "True", "False":
			p.next()
			return &Const{Pos: t.pos, Word: t.text}
		}
		if !keyword(t.text) {
			p.next()
			return &Name{Pos: t.pos, ID: t.text}
		}
	case tOp:
		defer p.deeper()()
		switch t.text {
		case "(":
			p.next()
			return p.paren(t.pos)
		case "[":
			p.next()
			return p.list(t.pos)
		case "{":
			p.next()
			return p.brace(t.pos)
		case "...":
			p.next()
			return &Const{Pos: t.pos, Word: "..."}
		}
	}
	panic(p.bail(t.pos, "", "expected an expression, found %s", t.describe()))
}

func (p *parser) paren(at Pos) Expr {
	if p.take(")") {
		return &Sequence{Pos: at, Open: '('}
	}
	x := p.starred()
	if p.isWord("for") {
		c := p.comp(at, '(', x, nil)
		p.want(")", "after the generator")
		return c
	}
	if p.isOp(",") {
		x = &Sequence{Pos: at, Open: '(', Items: p.items(x, ")")}
	} else if s, ok := x.(*Starred); ok {
		panic(p.bail(s.Pos, "", "* cannot stand here"))
	}
	p.want(")", "after the expression")
	return x
}

// items reads the rest of a list of items after the first, up to end.
func (p *parser) items(first Expr, end string) []Expr {
	out := []Expr{first}
	for p.take(",") {
		if p.isOp(end) {
			break
		}
		out = append(out, p.starred())
	}
	return out
}

func (p *parser) list(at Pos) Expr {
	if p.take("]") {
		return &Sequence{Pos: at, Open: '['}
	}
	x := p.starred()
	if p.isWord("for") {
		c := p.comp(at, '[', x, nil)
		p.want("]", "after the comprehension")
		return c
	}
	s := &Sequence{Pos: at, Open: '[', Items: p.items(x, "]")}
	p.want("]", "after the list")
	return s
}

// brace reads a dict, a set or a comprehension of one of them.
func (p *parser) brace(at Pos) Expr {
	d := &Dict{Pos: at}
	if p.take("}") {
		return d
	}
	if !p.isOp("**") {
		x := p.starred()
		if !p.isOp(":") {
			if p.isWord("for") {
				c := p.comp(at, '{', x, nil)
				p.want("}", "after the comprehension")
				return c
			}
			s := &Sequence{Pos: at, Open: '{', Items: p.items(x, "}")}
			p.want("}", "after the set")
			return s
		}
		p.next()
		v := p.test()
		if p.isWord("for") {
			c := p.comp(at, ':', x, v)
			p.want("}", "after the comprehension")
			return c
		}
		d.Keys, d.Values = append(d.Keys, x), append(d.Values, v)
		if !p.take(",") {
			p.want("}", "after the dict")
			return d
		}
	}
	for !p.isOp("}") {
		if p.take("**") {
			d.Keys, d.Values = append(d.Keys, nil), append(d.Values, p.binary(0))
		} else {
			k := p.test()
			p.want(":", "after the key")
			d.Keys, d.Values = append(d.Keys, k), append(d.Values, p.test())
		}
		if !p.take(",") {
			break
		}
	}
	p.want("}", "after the dict")
	return d
}

// comp reads the clauses of a comprehension.
func (p *parser) comp(at Pos, kind byte, elt, value Expr) Expr {
	c := &Comp{Pos: at, Kind: kind, Elt: elt, Value: value}
	for n := 0; p.isWord("for"); n++ {
		p.chain(n)
		cl := Clause{Pos: p.next().pos, Target: p.targets()}
		p.want("in", "after the names of the for")
		cl.Iter = p.or()
		for p.take("if") {
			cl.Ifs = append(cl.Ifs, p.orLambda())
		}
		c.Clauses = append(c.Clauses, cl)
	}
	if p.isWord("async") {
		panic(p.bail(p.tok().pos, "write it without async and await", "async is not supported"))
	}
	return c
}

func (p *parser) orLambda() Expr {
	if p.isWord("lambda") {
		return p.test()
	}
	return p.or()
}

// targets reads what a for assigns to: "a" or "a, (b, c)".
func (p *parser) targets() Expr {
	at := p.tok().pos
	x := p.target()
	if !p.isOp(",") {
		return x
	}
	s := &Sequence{Pos: at, Open: '(', Items: []Expr{x}}
	for p.take(",") {
		if p.isWord("in") {
			break
		}
		s.Items = append(s.Items, p.target())
	}
	return s
}

// target reads one thing that can be assigned to.
func (p *parser) target() Expr {
	t := p.tok()
	if p.take("*") {
		return &Starred{Pos: t.pos, X: p.target()}
	}
	x := p.primary()
	p.assignable(x)
	return x
}

func (p *parser) listOf(one func() Expr) []Expr {
	out := []Expr{one()}
	for p.take(",") {
		if p.endsSimple() {
			break
		}
		out = append(out, one())
	}
	return out
}

// strings joins adjacent literals; one f-string among them makes all an f-string.
func (p *parser) strings() Expr {
	first := p.tok()
	out := &FString{Pos: first.pos}
	text, formatted := "", false
	for p.at(tString, "") {
		t := p.next()
		if t.str.bytes != first.str.bytes {
			panic(p.bail(t.pos, "", "bytes and text cannot be joined"))
		}
		if t.str.format {
			formatted = true
			out.Parts = append(out.Parts, p.fstring(t.str, t.str.body, t.str.at)...)
			continue
		}
		s := p.decode(t.str, t.str.body, t.pos)
		text += s
		out.Parts = append(out.Parts, FPart{Pos: t.pos, Text: s})
	}
	if !formatted {
		return &Str{Pos: first.pos, Text: text, Bytes: first.str.bytes}
	}
	return out
}

// decode turns a literal's body into its value.
func (p *parser) decode(lit literal, body string, at Pos) string {
	if !utf8.ValidString(body) {
		panic(p.bail(at, "save the file as UTF-8", "this string is not UTF-8"))
	}
	if lit.raw {
		return body
	}
	s, err := unescape(body, lit.bytes)
	if err != nil {
		panic(p.bail(at, "", "%v", err))
	}
	return s
}
