package flows

import (
	"encoding/json"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is the most runes that are kept of what a person typed; Slack allows
// 3,000 in a plain text input.
const MaxText = 3000

// Text is what a person typed. It is a type of its own so that it cannot reach a
// sink by accident: each sink (Slack block, HTML, CSV, incident note, terminal)
// takes it through its one escaping function, which reads Raw.
type Text struct{ raw string }

// NewText cleans s of what could mislead a reader (control characters other than
// line breaks and tabs, bidirectional overrides, invisible format characters,
// broken UTF-8), trims it and cuts it at MaxText runes.
func NewText(s string) Text {
	if clean(s) {
		return Text{raw: s}
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == MaxText {
			break
		}
		switch {
		case r == '\r':
			continue
		case r == '\n', r == '\t':
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			continue
		}
		b.WriteRune(r)
		n++
	}
	return Text{raw: strings.TrimSpace(b.String())}
}

// clean reports whether NewText would leave s as it is: printable ASCII, not too long,
// with no space at its ends. Most reasons are, and an export reads millions of them.
func clean(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= MaxText && (s == "" || s[0] != ' ' && s[len(s)-1] != ' ')
}

// named is a name that somebody chose elsewhere (a schedule's, a policy's), or words
// made of such names, fit for a sentence: on one line, not long, and without the
// brackets that the front doors' markers are made of.
func named(s string) string {
	if unremarkable(s) {
		return s
	}
	s = strings.Join(strings.Fields(NewText(s).raw), " ")
	if r := []rune(s); len(r) > maxNamed {
		s = string(r[:maxNamed-1]) + "…"
	}
	return brackets.Replace(s)
}

// unremarkable reports whether named would leave s as it is: printable ASCII, words
// apart by one space, no brackets. Most names are.
func unremarkable(s string) bool {
	before := byte(' ')
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '<' || c == '>' || c == ' ' && before == ' ' {
			return false
		}
		before = c
	}
	return len(s) <= maxNamed && (s == "" || before != ' ')
}

const maxNamed = 300

var brackets = strings.NewReplacer("<", "‹", ">", "›")

// Raw is the cleaned text, unescaped. Only an escaping seam may call it.
func (t Text) Raw() string { return t.raw }

// Empty reports whether nothing was typed.
func (t Text) Empty() bool { return t.raw == "" }

// Len is the length in runes.
func (t Text) Len() int { return utf8.RuneCountInString(t.raw) }

// String keeps typed text out of %v and %s; use a sink's escaping function instead.
func (t Text) String() string { return "[typed text]" }

// LogValue keeps typed text out of logs.
func (t Text) LogValue() slog.Value { return slog.StringValue("[typed text]") }

// MarshalJSON writes the text as a JSON string (for the store).
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.raw) }

// UnmarshalJSON reads it back, cleaning it again.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = NewText(s)
	return nil
}
