package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Terminal sequences; only used when colour is asked for.
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	plain  = "\x1b[0m"
)

// Write prints every diagnostic with its line, the place underlined, and what to do,
// then a summary. It never shows a line that may hold a secret.
func (ds Diagnostics) Write(w io.Writer, color bool) error {
	p := &page{color: color, lines: map[string][]string{}}
	for _, d := range ds.list {
		ds.writeOne(p, d)
	}
	if s := ds.summary(); s != "" {
		p.line(s)
	}
	_, err := w.Write(p.Bytes())
	return err
}

// page collects the text, and drops colours when none are wanted.
type page struct {
	bytes.Buffer
	color bool
	lines map[string][]string // of each file that was shown
}

func (p *page) paint(how, s string) string {
	if !p.color {
		return s
	}
	return how + s + plain
}

func (p *page) line(s string) { fmt.Fprintln(&p.Buffer, s) }

func (ds Diagnostics) writeOne(p *page, d Diagnostic) {
	tone := red
	if d.Severity == SeverityWarning {
		tone = yellow
	}
	p.line(fmt.Sprintf("%s %s: %s", p.paint(tone+bold, string(d.Severity)), d.place(), printable(d.Message)))
	if src, ok := ds.excerpt(p, d); ok {
		number := fmt.Sprintf("%5d", d.Line)
		p.line(p.paint(faint, number+" | ") + src)
		if d.Column > 0 {
			p.line(p.paint(faint, "      | ") + indent(src, d.Column-1) + p.paint(tone, strings.Repeat("^", d.underline(src))))
		}
	}
	if d.Suggestion != "" {
		p.line("      " + printable(d.Suggestion))
	}
	p.line("")
}

// excerpt is the source line of d, or false where there is none to show.
func (ds Diagnostics) excerpt(p *page, d Diagnostic) (string, bool) {
	lines, split := p.lines[d.File]
	if !split {
		lines = strings.Split(string(ds.sources[d.File]), "\n")
		p.lines[d.File] = lines
	}
	if d.Line == 0 || d.Line > len(lines) || ds.hidden[d.File][d.Line] {
		return "", false
	}
	line := printable(strings.TrimRight(lines[d.Line-1], "\r"))
	return line, strings.TrimSpace(line) != "" && !looksSecret(line)
}

// underline is how many characters are underlined: at least one, never past the end.
func (d Diagnostic) underline(src string) int {
	left := utf8.RuneCountInString(src) - (d.Column - 1)
	return max(1, min(d.width, left))
}

// indent is blank up to column n of src, with its tabs, so that the mark stands below.
func indent(src string, n int) string {
	var b strings.Builder
	for i, r := range []rune(src) {
		if i == n {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

// printable replaces what could move the cursor or hide text in a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case r == '\n':
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return '?'
		}
		return r
	}, s)
}

// looksSecret reports whether a line holds what looks like a Slack credential.
func looksSecret(line string) bool {
	return strings.Contains(line, "xox") || strings.Contains(line, "xapp-")
}

func (ds Diagnostics) summary() string {
	errs, warns := ds.count(SeverityError), ds.count(SeverityWarning)
	switch {
	case errs > 0 && warns > 0:
		return plural(errs, "error") + ", " + plural(warns, "warning") + ". Nothing was loaded."
	case errs > 0:
		return plural(errs, "error") + ". Nothing was loaded."
	case warns > 0:
		return plural(warns, "warning") + "."
	}
	return ""
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
