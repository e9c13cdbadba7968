package yaml

import "strings"

// plain reads a text without quotes: the rest of the line, and the lines below that are
// further in.
func (d *document) plain(l line, at, parent int) string {
	var b strings.Builder
	part, comment := d.uncommented(d.src[at:l.end], l.number)
	b.WriteString(part)
	d.at++
	for breaks := 1; d.at < len(d.lines); d.at++ {
		next := d.lines[d.at]
		text := strings.TrimLeft(d.text(next), " \t")
		if text == "" {
			breaks++
			continue
		}
		if next.indent <= parent || text[0] == '#' {
			break
		}
		if comment {
			d.fail(next.number, "a text cannot go on after a comment")
		}
		part, comment = d.uncommented(text, next.number)
		b.WriteString(fold(breaks))
		b.WriteString(part)
		breaks = 1
	}
	return b.String()
}

// fold is what so many line breaks are within a text.
func fold(breaks int) string {
	if breaks == 1 {
		return " "
	}
	return strings.Repeat("\n", breaks-1)
}

// uncommented is a text up to its comment.
func (d *document) uncommented(text string, number int) (part string, comment bool) {
	for i := range len(text) {
		if colon(text, i) {
			d.fail(number, "a colon stands within a text; put the text in quotes")
		}
		if text[i] == '#' && i > 0 && (text[i-1] == ' ' || text[i-1] == '\t') {
			return strings.TrimRight(text[:i], " \t"), true
		}
	}
	return strings.TrimRight(text, " \t"), false
}

// scalar reads a text that begins with | or >: the lines below, as they stand or folded.
func (d *document) scalar(l line, at, parent int) string {
	folded := d.src[at] == '>'
	indent, keep := d.header(d.src[at+1:l.end], l.number, max(parent, 0))
	d.at++
	var rows []string
	for ; d.at < len(d.lines); d.at++ {
		next := d.lines[d.at]
		text := d.text(next)
		if text != "" || next.indent > indent && indent >= 0 {
			if indent < 0 {
				indent = next.indent
				if indent <= parent {
					break
				}
			}
			if next.indent < indent {
				break
			}
		}
		if indent < 0 {
			next.indent = 0 // an empty line above all others
		}
		rows = append(rows, strings.Repeat(" ", max(0, next.indent-max(indent, 0)))+text)
	}
	if last := len(rows) - 1; last >= 0 && rows[last] != "" && d.lines[d.at-1].end == len(d.src) && keep == 0 {
		keep = '-' // the file ends without a break
	}
	return chomp(rows, folded, keep)
}

// header reads what stands after | or >. The indentation is -1 where the first line
// says it.
func (d *document) header(text string, number, parent int) (indent int, keep byte) {
	indent = -1
	text, _, _ = strings.Cut(text, " #")
	for _, c := range []byte(strings.TrimRight(text, " \t")) {
		switch {
		case (c == '+' || c == '-') && keep == 0:
			keep = c
		case c >= '1' && c <= '9' && indent < 0:
			indent = parent + int(c-'0')
		default:
			d.fail(number, "%q cannot stand after | or >", c)
		}
	}
	return indent, keep
}

// chomp joins the lines of a text, and drops or keeps the empty ones at its end.
func chomp(rows []string, folded bool, keep byte) string {
	last := len(rows)
	for last > 0 && rows[last-1] == "" {
		last--
	}
	var b strings.Builder
	if folded {
		foldRows(&b, rows[:last])
	} else {
		b.WriteString(strings.Join(rows[:last], "\n"))
	}
	switch {
	case keep == '+':
		b.WriteString(strings.Repeat("\n", len(rows)-last))
		if last > 0 {
			b.WriteString("\n")
		}
	case keep == 0 && last > 0:
		b.WriteString("\n")
	}
	return b.String()
}

// foldRows joins lines with spaces; those further in, and those around them, keep their
// breaks.
func foldRows(b *strings.Builder, rows []string) {
	further := func(s string) bool { return s != "" && (s[0] == ' ' || s[0] == '\t') }
	before, breaks := "", 0
	for i, row := range rows {
		if row == "" {
			breaks++
			continue
		}
		if i > 0 {
			switch {
			case before == "": // only empty lines stand above
				b.WriteString(strings.Repeat("\n", breaks))
			case further(before) || further(row):
				b.WriteString(strings.Repeat("\n", breaks+1))
			default:
				b.WriteString(fold(breaks + 1))
			}
		}
		b.WriteString(row)
		before, breaks = row, 0
	}
}
