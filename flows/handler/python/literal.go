package python

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// literal is a string literal taken apart, not yet decoded.
type literal struct {
	raw, bytes, format bool
	triple             bool
	body               string
	at                 Pos // of the body's first character
}

// isQuoted reports whether s begins with a string literal.
func isQuoted(s string) bool {
	n := strings.IndexAny(s[:min(3, len(s))], `"'`)
	if n < 0 {
		return false
	}
	switch strings.ToLower(s[:n]) {
	case "", "r", "b", "u", "f", "rb", "br", "rf", "fr":
		return true
	}
	return false
}

// str reads a string literal up to its closing quote.
func (l *lexer) str() {
	at, start := l.pos, l.off
	n := strings.IndexAny(l.src[l.off:], `"'`)
	lit := literal{}
	for _, c := range strings.ToLower(l.src[l.off : l.off+n]) {
		switch c {
		case 'r':
			lit.raw = true
		case 'b':
			lit.bytes = true
		case 'f':
			lit.format = true
		}
	}
	l.skip(n)
	quote := l.src[l.off : l.off+1]
	if strings.HasPrefix(l.src[l.off:], strings.Repeat(quote, 3)) {
		quote, lit.triple = strings.Repeat(quote, 3), true
	}
	l.skip(len(quote))
	lit.at = l.pos
	body := l.off
	for {
		switch {
		case l.off >= len(l.src), !lit.triple && l.src[l.off] == '\n':
			l.fail(at, "close it with "+quote, "this string is never closed")
			lit.body = l.src[body:l.off]
			l.toks = append(l.toks, token{kind: tString, text: l.src[start:l.off], pos: at, str: lit})
			return
		case strings.HasPrefix(l.src[l.off:], quote):
			lit.body = l.src[body:l.off]
			l.skip(len(quote))
			l.toks = append(l.toks, token{kind: tString, text: l.src[start:l.off], pos: at, str: lit})
			return
		case l.src[l.off] == '\\' && l.off+1 < len(l.src):
			l.skip(1)
			_, size := utf8.DecodeRuneInString(l.src[l.off:])
			l.skip(size)
		default:
			_, size := utf8.DecodeRuneInString(l.src[l.off:])
			l.skip(size)
		}
	}
}

// unescape decodes the escapes of s, as Python does; an unknown escape stays as it is.
func unescape(s string, bytes bool) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		n, err := escape(&b, s[i+1:], bytes)
		if err != nil {
			return "", err
		}
		i += 1 + n
	}
	return b.String(), nil
}

// escape decodes what follows one backslash and says how many bytes that was.
func escape(b *strings.Builder, s string, bytes bool) (int, error) {
	const plain = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v"
	c := s[0]
	switch {
	case c == '\n':
		return 1, nil
	case c == '\r' && len(s) > 1 && s[1] == '\n':
		return 2, nil
	case c >= '0' && c <= '7':
		n := 1
		for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		v, _ := strconv.ParseUint(s[:n], 8, 32)
		writeCode(b, rune(v), bytes)
		return n, nil
	case c == 'x':
		return hexEscape(b, s, 2, bytes)
	case c == 'u' && !bytes:
		return hexEscape(b, s, 4, false)
	case c == 'U' && !bytes:
		return hexEscape(b, s, 8, false)
	case c == 'N' && !bytes:
		return 0, fmt.Errorf(`\N{…} is not supported; write the character itself`)
	}
	for i := 0; i < len(plain); i += 2 {
		if plain[i] == c {
			b.WriteByte(plain[i+1])
			return 1, nil
		}
	}
	b.WriteByte('\\')
	b.WriteByte(c)
	return 1, nil
}

func hexEscape(b *strings.Builder, s string, digits int, bytes bool) (int, error) {
	if len(s) < 1+digits {
		return 0, fmt.Errorf(`\%c needs %d hex digits`, s[0], digits)
	}
	v, err := strconv.ParseUint(s[1:1+digits], 16, 32)
	if err != nil || (!bytes && (v > utf8.MaxRune || v >= 0xd800 && v < 0xe000)) {
		return 0, fmt.Errorf(`\%s is not a character`, s[:1+digits])
	}
	writeCode(b, rune(v), bytes)
	return 1 + digits, nil
}

func writeCode(b *strings.Builder, r rune, bytes bool) {
	if bytes {
		b.WriteByte(byte(r))
		return
	}
	b.WriteRune(r)
}

// maxIntDigits keeps number literals within what arithmetic takes (512 bits).
const maxIntDigits = 150

// number decodes a number literal.
func number(t token) (*Num, *Error) {
	text := strings.ToLower(t.text)
	wrong := func(hint string) (*Num, *Error) {
		return nil, &Error{Pos: t.pos, Message: fmt.Sprintf("%q is not a number", t.text), Hint: hint}
	}
	if len(text) > maxIntDigits {
		return nil, &Error{Pos: t.pos, Message: "this number is too long"}
	}
	digits := strings.ReplaceAll(text, "_", "")
	if strings.HasSuffix(text, "_") || strings.Contains(text, "__") {
		return wrong("put single underscores between digits")
	}
	isHex := strings.HasPrefix(digits, "0x")
	if strings.HasSuffix(digits, "j") {
		return wrong("complex numbers are not supported")
	}
	if strings.ContainsAny(digits, ".") || !isHex && strings.Contains(digits, "e") {
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return wrong("")
		}
		return &Num{Pos: t.pos, Text: t.text, IsFloat: true, Float: f}, nil
	}
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' && strings.Trim(digits, "0") != "" {
		return wrong("octal numbers begin with 0o")
	}
	base := 10
	switch {
	case isHex, strings.HasPrefix(digits, "0o"), strings.HasPrefix(digits, "0b"):
		base = 0
	}
	i, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return wrong("")
	}
	return &Num{Pos: t.pos, Text: t.text, Int: i}, nil
}
