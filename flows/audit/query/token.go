package query

import (
	"strings"
	"unicode"
)

// token is one word of a question: "key:value", a word alone, or a quoted text.
type token struct {
	key, value string
	quoted     bool
}

// straight are the quotes that editors make of straight ones.
var straight = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`)

// tokens cuts a question into words. A quote holds everything up to the next one.
func tokens(text string) ([]token, error) {
	var out []token
	rest := strings.TrimSpace(straight.Replace(strings.ToValidUTF8(text, " ")))
	for rest != "" {
		var t token
		end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
		head := rest
		if end >= 0 {
			head = rest[:end]
		}
		if key, value, ok := strings.Cut(head, ":"); ok && isKey(key) {
			t.key, t.value = strings.ToLower(key), value
		} else {
			t.value = head
		}
		rest = rest[len(head):]
		if strings.HasPrefix(rest, `"`) {
			text, after, closed := strings.Cut(rest[1:], `"`)
			switch {
			case !closed:
				return nil, wrong(`Write a second " behind it.`, "A quote is not closed.")
			case t.value != "":
				return nil, wrong("Put a space before it.", "A quote begins inside a word.")
			}
			t.value, t.quoted, rest = text, t.key == "", after
		}
		out = append(out, t)
		rest = strings.TrimSpace(rest)
	}
	return out, nil
}

// isKey reports whether a word before a colon can be a filter's name, so that a time or
// an address in a question is not taken for one.
func isKey(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz-") == ""
}

// nearest is the known word that is one slip away from what was typed; empty for none.
func nearest(typed string, known []string) string {
	best := ""
	for _, k := range known {
		if slip(typed, k) && (best == "" || k < best) {
			best = k
		}
	}
	return best
}

// slip reports whether a and b differ by one letter: more, less, another or swapped.
func slip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		return len(a) > 2 && (i == len(a) || a[i+1:] == b[i+1:] ||
			i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:])
	case 1:
		return len(a) > 1 && a[i:] == b[i+1:]
	}
	return false
}
