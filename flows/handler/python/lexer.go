package python

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	tEOF kind = iota
	tNewline
	tIndent
	tDedent
	tName   // identifiers and keywords
	tNumber //
	tString // text is the whole literal with prefix and quotes
	tOp
)

// token is one word of the source. body is where a string literal's content begins.
type token struct {
	kind kind
	text string
	pos  Pos
	str  literal
}

// lexer turns source into tokens. It is used for the whole file, and (inline) for the
// expressions within f-strings.
type lexer struct {
	src    string
	off    int
	pos    Pos
	inline bool // an expression within an f-string: no lines, no indentation
	indent []int
	open   []token // brackets that are not closed yet
	toks   []token
	errs   []Error
}

// operators, longest first within a length.
var (
	ops3 = [...]string{"**=", "//=", ">>=", "<<=", "..."}
	ops2 = [...]string{"**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", ":="}
)

const ops1 = "+-*/%@<>=()[]{},:.;|&^~"

func lex(src string) ([]token, []Error) {
	l := &lexer{src: src, pos: Pos{1, 1}, indent: []int{0}}
	l.src = strings.TrimPrefix(l.src, "\ufeff")
	l.run()
	return l.toks, l.errs
}

func (l *lexer) fail(at Pos, hint, format string, args ...any) {
	l.errs = append(l.errs, Error{Pos: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (l *lexer) peek(n int) byte {
	if l.off+n < len(l.src) {
		return l.src[l.off+n]
	}
	return 0
}

// skip moves over n bytes, counting lines and columns.
func (l *lexer) skip(n int) {
	for end := l.off + n; l.off < end; {
		switch c := l.src[l.off]; {
		case c == '\n':
			l.pos = Pos{l.pos.Line + 1, 1}
			l.off++
		case c < utf8.RuneSelf:
			l.pos.Col++
			l.off++
		default:
			_, size := utf8.DecodeRuneInString(l.src[l.off:])
			l.pos.Col++
			l.off += size
		}
	}
}

func (l *lexer) emit(k kind, text string, at Pos) {
	l.toks = append(l.toks, token{kind: k, text: text, pos: at})
}

func (l *lexer) run() {
	lineStart := !l.inline
	for {
		if lineStart {
			l.startLine()
			lineStart = false
		}
		l.blanks()
		if l.off >= len(l.src) {
			break
		}
		if c := l.src[l.off]; c == '\n' {
			at := l.pos
			l.skip(1)
			if len(l.open) == 0 && !l.inline {
				if n := len(l.toks); n > 0 && l.toks[n-1].kind != tNewline && l.toks[n-1].kind != tDedent && l.toks[n-1].kind != tIndent {
					l.emit(tNewline, "", at)
				}
				lineStart = true
			}
			continue
		}
		l.word()
	}
	l.finish()
}

// finish closes what is still open at the end of the source.
func (l *lexer) finish() {
	if len(l.open) > 0 && !l.inline {
		t := l.open[len(l.open)-1]
		l.fail(t.pos, "", "%q is never closed", t.text)
	}
	if n := len(l.toks); n > 0 && l.toks[n-1].kind != tNewline && !l.inline {
		l.emit(tNewline, "", l.pos)
	}
	for ; len(l.indent) > 1; l.indent = l.indent[:len(l.indent)-1] {
		l.emit(tDedent, "", l.pos)
	}
	l.emit(tEOF, "", l.pos)
}

// blanks skips spaces, comments and joined lines.
func (l *lexer) blanks() {
	for l.off < len(l.src) {
		switch c := l.src[l.off]; {
		case c == ' ' || c == '\t' || c == '\f' || c == '\r':
			l.skip(1)
		case c == '#':
			n := strings.IndexByte(l.src[l.off:], '\n')
			if n < 0 {
				n = len(l.src) - l.off
			}
			l.skip(n)
		case c == '\\' && l.peek(1) == '\n':
			l.skip(2)
		case c == '\\' && l.peek(1) == '\r' && l.peek(2) == '\n':
			l.skip(3)
		default:
			return
		}
	}
}

// startLine reads the indentation of a line; blank lines and comments have none.
func (l *lexer) startLine() {
	for {
		width, n := 0, 0
	scan:
		for ; l.off+n < len(l.src); n++ {
			switch l.src[l.off+n] {
			case ' ':
				width++
			case '\t':
				width = (width/8 + 1) * 8
			case '\f':
				width = 0
			case '\r':
			default:
				break scan
			}
		}
		l.skip(n)
		switch l.peek(0) {
		case '#':
			l.blanks()
			if l.peek(0) == '\n' {
				l.skip(1)
				continue
			}
			return
		case '\n':
			l.skip(1)
			continue
		}
		if l.off < len(l.src) {
			l.setIndent(width)
		}
		return
	}
}

func (l *lexer) setIndent(width int) {
	top := l.indent[len(l.indent)-1]
	if width > top {
		l.indent = append(l.indent, width)
		l.emit(tIndent, "", l.pos)
		return
	}
	for width < l.indent[len(l.indent)-1] {
		l.indent = l.indent[:len(l.indent)-1]
		l.emit(tDedent, "", l.pos)
	}
	if width != l.indent[len(l.indent)-1] {
		l.fail(l.pos, "line it up with the line it belongs to", "this line is indented like no line above it")
		l.indent = append(l.indent, width)
		l.emit(tIndent, "", l.pos)
	}
}

// word reads one token that is not a line end.
func (l *lexer) word() {
	at, rest := l.pos, l.src[l.off:]
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case r == utf8.RuneError && size <= 1:
		l.fail(at, "save the file as UTF-8", "this byte is not UTF-8")
		l.off++
	case r >= '0' && r <= '9', r == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		n := numberLen(rest)
		l.skip(n)
		l.emit(tNumber, rest[:n], at)
	case isQuoted(rest):
		l.str()
	case r == '_' || unicode.IsLetter(r):
		n := strings.IndexFunc(rest, func(r rune) bool {
			return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
		})
		if n < 0 {
			n = len(rest)
		}
		l.skip(n)
		l.emit(tName, rest[:n], at)
	default:
		l.operator(rest, r, size)
	}
}

func (l *lexer) operator(rest string, r rune, size int) {
	at := l.pos
	n := 0
	switch {
	case len(rest) >= 3 && contains(ops3[:], rest[:3]):
		n = 3
	case len(rest) >= 2 && contains(ops2[:], rest[:2]):
		n = 2
	case strings.IndexByte(ops1, rest[0]) >= 0:
		n = 1
	case rest[0] == '!' && l.inline:
		n = 1
	}
	if n == 0 {
		l.fail(at, quoteHint(r), "%q does not belong here", string(r))
		l.skip(size)
		return
	}
	t := token{kind: tOp, text: rest[:n], pos: at}
	l.skip(n)
	l.toks = append(l.toks, t)
	switch t.text {
	case "(", "[", "{":
		l.open = append(l.open, t)
	case ")", "]", "}":
		if len(l.open) == 0 {
			l.fail(at, "", "%q closes nothing", t.text)
			return
		}
		l.open = l.open[:len(l.open)-1] // a wrong pair is the parser's to tell
	}
}

// quoteHint helps with characters that word processors and chats put in.
func quoteHint(r rune) string {
	switch r {
	case '“', '”', '„', '‘', '’':
		return `write plain quotes: " or '`
	case '\u00a0', '\u200b', '\u2028':
		return "an invisible character: type the space again"
	case '–', '—':
		return "write -"
	case '!':
		return "write not x, or x != y"
	}
	return ""
}

func contains(list []string, s string) bool {
	return slices.Contains(list, s)
}

// numberLen is how much of s is a number, or looks as if it were meant to be one.
func numberLen(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		switch {
		case c >= '0' && c <= '9', c == '_', c == '.', c|32 >= 'a' && c|32 <= 'z':
		case (c == '+' || c == '-') && n > 0 && s[n-1]|32 == 'e' && !strings.HasPrefix(s, "0x") && !strings.HasPrefix(s, "0X"):
		default:
			return n
		}
		n++
	}
	return n
}
