package yaml

import "strings"

// block reads the value that begins in the next line, further in than parent.
func (d *document) block(parent int) *Node {
	l := d.lines[d.at]
	defer d.deeper(l.number)()
	text := d.text(l)
	switch {
	case dash(text):
		return d.list(l.indent)
	case text[0] == '?' && (len(text) == 1 || text[1] == ' '):
		d.fail(l.number, "keys that begin with ? are not read")
	}
	if _, _, ok := d.key(l); ok {
		return d.mapping(l.indent)
	}
	return d.value(l, l.start, parent)
}

func dash(text string) bool {
	return text == "-" || strings.HasPrefix(text, "- ") || strings.HasPrefix(text, "-\t")
}

// list reads the items that stand at one indentation.
func (d *document) list(indent int) *Node {
	n := &Node{Kind: List, Line: d.lines[d.at].number}
	for d.next() {
		l := d.lines[d.at]
		text := d.text(l)
		if l.indent != indent || !dash(text) {
			break
		}
		rest := strings.TrimLeft(text[1:], " ")
		if strings.HasPrefix(rest, "\t") {
			d.fail(l.number, "a tab stands after the dash; write a space")
		}
		if blank(rest) {
			d.at++
			n.Items = append(n.Items, d.nested(indent, l.number))
			continue
		}
		moved := len(text) - len(rest)
		d.lines[d.at].indent += moved
		d.lines[d.at].start += moved
		n.Items = append(n.Items, d.block(indent))
	}
	return n
}

// mapping reads the entries that stand at one indentation.
func (d *document) mapping(indent int) *Node {
	n := &Node{Kind: Map, Line: d.lines[d.at].number}
	seen := map[string]int{}
	for d.next() {
		l := d.lines[d.at]
		if l.indent != indent {
			break
		}
		key, after, ok := d.key(l)
		if !ok {
			break
		}
		d.once(seen, key, l.number)
		n.Pairs = append(n.Pairs, Pair{Key: key, Line: l.number, Value: d.entry(l, after, indent)})
	}
	return n
}

// once refuses a key that stood there before.
func (d *document) once(seen map[string]int, key string, line int) {
	if first, twice := seen[key]; twice {
		d.fail(line, "the key %q stands here for the second time; the first is in line %d", clip(key), first)
	}
	if key == "<<" {
		d.fail(line, "merge keys are not read; write the values out")
	}
	seen[key] = line
}

// clip is enough of a text to know it by.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// entry reads what belongs to a key that ends at after.
func (d *document) entry(l line, after, indent int) *Node {
	rest := strings.TrimLeft(d.src[after:l.end], " \t")
	if !blank(rest) {
		return d.value(l, l.end-len(rest), indent)
	}
	d.at++
	if d.next() && d.lines[d.at].indent == indent && dash(d.text(d.lines[d.at])) {
		defer d.deeper(l.number)()
		return d.list(indent) // a list may stand right below its key
	}
	return d.nested(indent, l.number)
}

// nested is the value in the lines below, or nothing.
func (d *document) nested(indent, number int) *Node {
	if d.next() && d.lines[d.at].indent > indent {
		return d.block(indent)
	}
	return &Node{Kind: Text, Line: number, Plain: true}
}

// key reads a key and the colon after it.
func (d *document) key(l line) (key string, after int, ok bool) {
	text := d.text(l)
	switch text[0] {
	case '"', '\'':
		key, end, closed := d.quotedOn(l)
		if !closed {
			return "", 0, false
		}
		gap := len(d.src[end:l.end]) - len(strings.TrimLeft(d.src[end:l.end], " \t"))
		return key, end + gap + 1, colon(d.src[end+gap:l.end], 0)
	case '[', '{', '|', '>', '#', '%', '@', '`', '&', '*', '!':
		return "", 0, false
	}
	for i := range len(text) {
		switch {
		case text[i] == '#' && i > 0 && (text[i-1] == ' ' || text[i-1] == '\t'):
			return "", 0, false
		case colon(text, i):
			return strings.TrimRight(text[:i], " \t"), l.start + i + 1, true
		}
	}
	return "", 0, false
}

// colon reports whether a colon that ends a key stands at i.
func colon(text string, i int) bool {
	return i < len(text) && text[i] == ':' && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\t')
}

// value reads a value that begins at a place of the line, and goes past its end.
func (d *document) value(l line, at, parent int) *Node {
	n := &Node{Kind: Text, Line: l.number}
	switch c := d.src[at]; c {
	case '|', '>':
		n.Text = d.scalar(l, at, parent)
		return n
	case '"', '\'', '[', '{':
		f := &flow{document: d, at: at, line: l.number, indent: parent}
		n = f.value()
		d.resume(f)
		return n
	}
	d.unfit(d.src[at:l.end], l.number)
	n.Plain, n.Text = true, d.plain(l, at, parent)
	return n
}

// unfit refuses what a text without quotes cannot begin with.
func (d *document) unfit(text string, line int) {
	switch c := text[0]; c {
	case '&', '*':
		d.fail(line, "anchors and aliases are not read; write the value out, or in quotes if it is a text")
	case '!':
		d.fail(line, "tags are not read; leave it out, or write the text in quotes")
	case '@', '`', '%', ']', '}', ',', '|', '>':
		d.fail(line, "a text that begins with %q stands in quotes", c)
	case '-', '?', ':':
		if len(text) == 1 || text[1] == ' ' || text[1] == '\t' {
			d.fail(line, "%q cannot stand here", c)
		}
	}
}

// resume goes on after a value that may have ended some lines below.
func (d *document) resume(f *flow) {
	for d.at+1 < len(d.lines) && d.lines[d.at].end < f.at {
		d.at++
	}
	rest := d.src[f.at:d.lines[d.at].end]
	if !blank(rest) || strings.HasPrefix(rest, "#") {
		d.fail(d.lines[d.at].number, "nothing else can stand after this value")
	}
	d.at++
}
