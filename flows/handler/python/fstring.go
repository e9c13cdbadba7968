package python

import "strings"

// fstring takes the body of an f-string apart. The expressions are read by a lexer of
// their own that starts at their place in the file, so positions stay exact.
func (p *parser) fstring(lit literal, body string, at Pos) []FPart {
	defer p.deeper()()
	var out []FPart
	text := ""
	flush := func(pos Pos) {
		if text != "" {
			out = append(out, FPart{Pos: pos, Text: p.decode(lit, text, pos)})
			text = ""
		}
	}
	for len(body) > 0 {
		i := strings.IndexAny(body, "{}")
		if i < 0 {
			text += body
			break
		}
		text += body[:i]
		at = advance(at, body[:i])
		switch {
		case i+1 < len(body) && body[i+1] == body[i]:
			text += body[i : i+1]
			at, body = advance(at, body[i:i+2]), body[i+2:]
		case body[i] == '}':
			panic(p.bail(at, "write }} for a brace", "this } closes nothing"))
		default:
			flush(at)
			part, used := p.hole(lit, body[i+1:], advance(at, "{"))
			out = append(out, part)
			at, body = advance(at, body[i:i+1+used]), body[i+1+used:]
		}
	}
	flush(at)
	return out
}

// hole reads what stands between braces: an expression, a conversion, a format spec.
// used counts the bytes up to and with the closing brace.
func (p *parser) hole(lit literal, body string, at Pos) (FPart, int) {
	end, ok := holeEnd(body)
	if !ok {
		panic(p.bail(at, "close it with }, or write {{ for a brace", "this { is never closed"))
	}
	src := body[:end]
	l := &lexer{src: src, pos: at, inline: true}
	l.run()
	if len(l.errs) > 0 {
		panic(bail{l.errs[0]})
	}
	sub := &parser{toks: l.toks, depth: p.depth, inline: true}
	part := FPart{Pos: at}
	if sub.at(tEOF, "") {
		panic(p.bail(at, "write {{}} for braces", "an f-string has empty braces"))
	}
	part.X = sub.exprList()
	if sub.isOp("=") {
		panic(p.bail(sub.tok().pos, "write the name out", "{x=} is not supported"))
	}
	if sub.take("!") {
		t := sub.next()
		if t.text != "r" && t.text != "s" && t.text != "a" {
			panic(p.bail(t.pos, "", "a conversion is !r, !s or !a"))
		}
		part.Conv = t.text[0]
	}
	if !sub.at(tEOF, "") {
		panic(p.bail(sub.tok().pos, "", "%s does not belong here", sub.tok().describe()))
	}
	p.errs = append(p.errs, sub.errs...)
	if body[end] == '}' {
		return part, end + 1
	}
	return p.spec(lit, part, body, end+1, advance(at, body[:end+1]))
}

// spec reads the format spec of a hole, which may hold holes itself.
func (p *parser) spec(lit literal, part FPart, body string, from int, at Pos) (FPart, int) {
	level := 0
	for i := from; i < len(body); i++ {
		switch body[i] {
		case '{':
			level++
		case '}':
			if level == 0 {
				part.Spec = p.fstring(lit, body[from:i], at)
				if part.Spec == nil {
					part.Spec = []FPart{}
				}
				return part, i + 1
			}
			level--
		}
	}
	panic(p.bail(at, "close it with }", "this { is never closed"))
}

// holeEnd finds where the expression of a hole ends: at a } or : that is in no
// bracket and no string.
func holeEnd(s string) (int, bool) {
	level, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(' || c == '[' || c == '{':
			level++
		case c == '}' && level == 0, c == ':' && level == 0:
			return i, true
		case c == ')' || c == ']' || c == '}':
			level--
		}
	}
	return 0, false
}

func advance(at Pos, s string) Pos {
	for _, r := range s {
		if r == '\n' {
			at = Pos{at.Line + 1, 1}
		} else {
			at.Col++
		}
	}
	return at
}
