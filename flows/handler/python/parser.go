package python

import "fmt"

// MaxSource is the most bytes of source that Parse takes.
const MaxSource = 128 << 10

// The limits on nesting keep every later walk over the tree within its stack.
const (
	maxDepth = 100
	maxChain = 400 // a.b.c.d…, a + b + c + …
	maxErrs  = 50
)

// Parse reads a whole file. It always returns a tree of what it understood; after an
// error it goes on with the next statement, so that all errors are told at once.
func Parse(src []byte) (*File, []Error) {
	if len(src) > MaxSource {
		return &File{}, []Error{{Pos: Pos{1, 1}, Message: fmt.Sprintf("the file has %d bytes; at most %d are read", len(src), MaxSource)}}
	}
	toks, errs := lex(string(src))
	p := &parser{toks: toks, errs: errs}
	f := &File{}
	for !p.at(tEOF, "") {
		f.Body = append(f.Body, p.statement()...)
	}
	if len(p.errs) > maxErrs {
		p.errs = p.errs[:maxErrs]
	}
	return f, p.errs
}

// parser reads tokens by recursive descent. Within a statement an error is a panic
// with a bail; statement recovers it, notes it and goes on after the statement.
type parser struct {
	toks   []token
	i      int
	depth  int
	errs   []Error
	inline bool // within an f-string
}

type bail struct{ err Error }

func (p *parser) tok() token { return p.toks[p.i] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if p.i < len(p.toks)-1 {
		p.i++
	}
	return t
}

func (p *parser) at(k kind, text string) bool {
	t := p.toks[p.i]
	return t.kind == k && (text == "" || t.text == text)
}

func (p *parser) isOp(text string) bool { return p.at(tOp, text) }

// isWord reports whether the next token is the keyword.
func (p *parser) isWord(text string) bool { return p.at(tName, text) }

// take moves over an operator or keyword if it is next.
func (p *parser) take(text string) bool {
	if t := p.tok(); (t.kind == tOp || t.kind == tName) && t.text == text {
		p.next()
		return true
	}
	return false
}

func (p *parser) want(text, after string) token {
	t := p.tok()
	if (t.kind == tOp || t.kind == tName) && t.text == text {
		return p.next()
	}
	hint := ""
	if text == ":" && t.kind == tOp && t.text == "=" {
		hint = "to compare, write =="
	}
	panic(p.bail(t.pos, hint, "expected %q %s, found %s", text, after, t.describe()))
}

func (p *parser) bail(at Pos, hint, format string, args ...any) bail {
	return bail{Error{Pos: at, Message: fmt.Sprintf(format, args...), Hint: hint}}
}

func (p *parser) note(at Pos, hint, format string, args ...any) {
	p.errs = append(p.errs, p.bail(at, hint, format, args...).err)
}

// deeper counts one level of nesting; the caller defers the function it returns.
func (p *parser) deeper() func() {
	p.depth++
	if p.depth > maxDepth {
		p.depth--
		panic(p.bail(p.tok().pos, "split it up", "this is nested too deeply"))
	}
	return func() { p.depth-- }
}

func (t token) describe() string {
	switch t.kind {
	case tEOF:
		return "the end of the file"
	case tNewline:
		return "the end of the line"
	case tIndent:
		return "an indented line"
	case tDedent:
		return "the end of the block"
	case tString:
		return "a string"
	}
	return fmt.Sprintf("%q", t.text)
}

// statement reads one statement (or several on one line). After an error it returns
// what it has and stands at the next statement.
func (p *parser) statement() (out []Stmt) {
	start, depth := p.i, p.depth
	defer func() {
		if r := recover(); r != nil {
			b, ours := r.(bail)
			if !ours {
				panic(r)
			}
			p.errs = append(p.errs, b.err)
			p.depth = depth
			p.resume(start)
		}
	}()
	t := p.tok()
	if t.kind == tIndent {
		p.next()
		p.note(t.pos, "move it to the left, or put a line that ends in : above it", "this line is indented more than the one above it")
		for !p.at(tDedent, "") && !p.at(tEOF, "") {
			out = append(out, p.statement()...)
		}
		p.next()
		return out
	}
	if t.kind == tDedent {
		p.next()
		return nil
	}
	if s := p.compound(); s != nil {
		return []Stmt{s}
	}
	return p.simpleLine()
}

// resume skips to the end of the line that failed and over the block below it.
func (p *parser) resume(start int) {
	if p.i == start {
		p.next()
	}
	if k := p.toks[p.i-1].kind; k != tNewline || p.i-1 < start {
		for !p.at(tNewline, "") && !p.at(tEOF, "") && !p.at(tIndent, "") && !p.at(tDedent, "") {
			p.next()
		}
		if p.at(tNewline, "") {
			p.next()
		}
	}
	if !p.at(tIndent, "") {
		return
	}
	for level := 0; !p.at(tEOF, ""); {
		switch p.next().kind {
		case tIndent:
			level++
		case tDedent:
			level--
		}
		if level == 0 {
			return
		}
	}
}

// block reads what belongs to a line that ends in a colon.
func (p *parser) block(of string) []Stmt {
	p.want(":", "after "+of)
	if !p.at(tNewline, "") {
		return p.simpleLine()
	}
	p.next()
	if !p.at(tIndent, "") {
		panic(p.bail(p.tok().pos, "indent the next line, or write pass", "%s has no body", of))
	}
	p.next()
	defer p.deeper()()
	var out []Stmt
	for !p.at(tDedent, "") && !p.at(tEOF, "") {
		out = append(out, p.statement()...)
	}
	p.next()
	return out
}

// simpleLine reads small statements separated by semicolons.
func (p *parser) simpleLine() []Stmt {
	var out []Stmt
	for {
		out = append(out, p.simple())
		if p.take(";") && !p.at(tNewline, "") {
			continue
		}
		if t := p.tok(); t.kind != tNewline && t.kind != tEOF {
			panic(p.bail(t.pos, p.strayHint(), "%s does not belong here", t.describe()))
		}
		if p.at(tNewline, "") {
			p.next()
		}
		return out
	}
}

// strayHint guesses what was meant where a statement goes on that should have ended.
func (p *parser) strayHint() string {
	t := p.tok()
	before := p.toks[max(p.i-1, 0)]
	switch {
	case t.text == ":=":
		return "write the assignment on a line of its own"
	case before.text == "print" && p.i > 0:
		return "write print(…)"
	case before.kind == tName && (before.text == "match" || before.text == "type"):
		return "write if and elif"
	case t.text == "++" || before.text == "+" || before.text == "-":
		return "write x += 1"
	}
	return ""
}
