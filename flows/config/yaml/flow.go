package yaml

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// flow reads values in quotes and brackets, which may go over several lines.
type flow struct {
	*document

	at     int // in the source
	line   int
	indent int // that lines below must be further in than
}

// peek is the next byte; 0 at the end of the document.
func (f *flow) peek() byte {
	if f.at >= f.end {
		return 0
	}
	return f.src[f.at]
}

// gap goes over spaces, line breaks and comments.
func (f *flow) gap() {
	for {
		switch c := f.peek(); {
		case c == '\n':
			f.line++
			f.at++
		case c == ' ', c == '\t', c == '\r':
			f.at++
		case c == '#' && (f.at == 0 || strings.IndexByte(" \t\n", f.src[f.at-1]) >= 0):
			for f.peek() != '\n' && f.peek() != 0 {
				f.at++
			}
		default:
			return
		}
	}
}

// value reads one value.
func (f *flow) value() *Node {
	defer f.deeper(f.line)()
	n := &Node{Kind: Text, Line: f.line}
	switch f.peek() {
	case '[':
		f.items(n)
	case '{':
		f.entries(n)
	case '"', '\'':
		n.Text = f.quoted()
	default:
		n.Text, n.Plain = f.word(), true
	}
	return n
}

func (f *flow) items(n *Node) {
	n.Kind = List
	for f.at++; ; {
		f.gap()
		if f.peek() == ']' {
			f.at++
			return
		}
		n.Items = append(n.Items, f.value())
		if f.gap(); f.peek() == ':' {
			f.fail(f.line, "a map within [ ] stands in { }")
		}
		f.comma(']')
	}
}

func (f *flow) entries(n *Node) {
	n.Kind = Map
	seen := map[string]int{}
	for f.at++; ; {
		f.gap()
		if f.peek() == '}' {
			f.at++
			return
		}
		p := Pair{Line: f.line}
		quoted := f.peek() == '"' || f.peek() == '\''
		key := f.value()
		if key.Kind != Text {
			f.fail(p.Line, "a key must be a text")
		}
		p.Key = key.Text
		f.once(seen, p.Key, p.Line)
		p.Value = f.after(quoted)
		n.Pairs = append(n.Pairs, p)
		f.comma('}')
	}
}

// after reads what stands behind a key.
func (f *flow) after(quoted bool) *Node {
	f.gap()
	nothing := &Node{Kind: Text, Line: f.line, Plain: true}
	if f.peek() != ':' {
		return nothing
	}
	f.at++
	if !quoted && strings.IndexByte(" \t\r\n,}", f.peek()) < 0 {
		f.fail(f.line, "a space stands after the colon of a key")
	}
	f.gap()
	if f.peek() == ',' || f.peek() == '}' {
		return nothing
	}
	return f.value()
}

func (f *flow) comma(end byte) {
	f.gap()
	switch f.peek() {
	case ',':
		f.at++
	case end:
	case 0:
		f.fail(f.line, "a closing %q is missing", end)
	default:
		f.fail(f.line, "a comma or %q is missing", end)
	}
}

// word reads a text without quotes, within brackets.
func (f *flow) word() string {
	if f.peek() == 0 {
		f.fail(f.line, "a closing bracket is missing")
	}
	f.unfit(f.src[f.at:min(f.at+2, f.end)], f.line)
	var b strings.Builder
	for breaks := 0; ; {
		start := f.at
		for f.peek() != 0 && !f.wordEnds() {
			f.at++
		}
		if part := strings.Trim(f.src[start:f.at], " \t\r"); part != "" {
			if breaks > 0 && b.Len() > 0 {
				b.WriteString(fold(breaks))
			}
			b.WriteString(part)
			breaks = 0
		}
		if f.peek() != '\n' {
			return b.String()
		}
		breaks++
		f.line++
		f.at++
	}
}

// wordEnds reports whether a text without quotes ends here.
func (f *flow) wordEnds() bool {
	switch c := f.peek(); c {
	case ',', '[', ']', '{', '}', '\n':
		return true
	case ':':
		return f.at+1 >= f.end || strings.IndexByte(" \t\r\n,[]{}", f.src[f.at+1]) >= 0
	case '#':
		return f.at > 0 && strings.IndexByte(" \t\n", f.src[f.at-1]) >= 0
	}
	return false
}

// quotedOn reads a quoted text that ends on its line.
func (d *document) quotedOn(l line) (text string, end int, ok bool) {
	mark := d.src[l.start]
	for i := l.start + 1; i < l.end; i++ {
		switch c := d.src[i]; {
		case c == '\\' && mark == '"':
			i++
		case c == mark && mark == '\'' && i+1 < l.end && d.src[i+1] == mark:
			i++
		case c == mark:
			f := &flow{document: d, at: l.start, line: l.number, indent: -1}
			return f.quoted(), i + 1, true
		}
	}
	return "", 0, false
}

// quoted reads a text in quotes.
func (f *flow) quoted() string {
	mark, first := f.peek(), f.line
	var b []byte
	solid := 0 // of b, which no break may trim
	for f.at++; ; {
		switch c := f.peek(); {
		case c == 0:
			f.fail(first, "the closing %q is missing", mark)
		case c == mark && mark == '\'' && f.at+1 < f.end && f.src[f.at+1] == mark:
			b = append(b, mark)
			f.at += 2
		case c == mark:
			f.at++
			return string(b)
		case c == '\\' && mark == '"':
			b = f.escape(b)
			solid = len(b)
		case c == '\n', c == '\r' && f.at+1 < f.end && f.src[f.at+1] == '\n':
			for len(b) > solid && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
				b = b[:len(b)-1]
			}
			b = append(b, fold(f.newlines())...)
			solid = len(b)
		default:
			b = append(b, c)
			f.at++
		}
	}
}

// newlines goes over line breaks and the indentation after them.
func (f *flow) newlines() int {
	breaks, begin := 0, f.at
	for strings.IndexByte(" \t\r\n", f.peek()) >= 0 && f.peek() != 0 {
		if f.peek() == '\n' {
			breaks++
			f.line++
			begin = f.at + 1
		}
		f.at++
	}
	if f.at-begin <= f.indent && f.peek() != 0 {
		f.fail(f.line, "a text in quotes goes on further out than it began")
	}
	return breaks
}

// simple are the escapes of one letter.
var simple = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': `"`, '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// escape reads what a backslash begins.
func (f *flow) escape(b []byte) []byte {
	f.at++
	c := f.peek()
	if c == '\n' || c == '\r' { // the line goes on below, and the break is none
		return append(b, strings.Repeat("\n", f.newlines()-1)...)
	}
	if s, ok := simple[c]; ok {
		f.at++
		return append(b, s...)
	}
	size := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if size == 0 {
		f.fail(f.line, "there is no escape \\%c", c)
	}
	f.at++
	r := f.hex(size)
	if utf16.IsSurrogate(r) && strings.HasPrefix(f.src[f.at:f.end], `\u`) {
		f.at += 2
		r = utf16.DecodeRune(r, f.hex(4))
	}
	if !utf8.ValidRune(r) {
		f.fail(f.line, "this escape names no letter")
	}
	return utf8.AppendRune(b, r)
}

func (f *flow) hex(size int) rune {
	if f.at+size > f.end {
		f.fail(f.line, "an escape is cut off")
	}
	n, err := strconv.ParseUint(f.src[f.at:f.at+size], 16, 32)
	if err != nil {
		f.fail(f.line, "an escape has %d digits of 0 to 9 and a to f", size)
	}
	f.at += size
	return rune(n)
}
