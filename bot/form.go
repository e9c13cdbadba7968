package bot

import "bytes"

// eachField goes over an urlencoded body once and gives each field, decoded. The
// bytes of value are the caller's to keep. It reports whether the body is well
// formed; what is not is refused as a whole.
func eachField(body []byte, field func(key string, value []byte) bool) bool {
	for len(body) > 0 {
		var pair []byte
		pair, body, _ = bytes.Cut(body, []byte{'&'})
		if len(pair) == 0 {
			continue
		}
		rawKey, rawValue, _ := bytes.Cut(pair, []byte{'='})
		key, ok := unescape(rawKey)
		if !ok {
			return false
		}
		value, ok := unescape(rawValue)
		if !ok || !field(string(key), value) {
			return false
		}
	}
	return true
}

// unescape decodes '+' and %XX into new bytes.
func unescape(s []byte) ([]byte, bool) {
	out := make([]byte, len(s))
	n := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return nil, false
			}
			hi, lo := nibble(s[i+1]), nibble(s[i+2])
			if hi|lo > 15 {
				return nil, false
			}
			c = hi<<4 | lo
			i += 2
		} else if c == '+' {
			c = ' '
		}
		out[n] = c
		n++
	}
	return out[:n], true
}

// nibble is the value of a hexadecimal digit; over 15 for what is none.
func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
