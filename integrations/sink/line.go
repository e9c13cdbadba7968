package sink

import (
	"encoding/hex"
	"strconv"
	"strings"

	"breakglass/flows"
)

// appendLine writes an entry as one JSON object without a line break: its place in the
// tree, the openings where they are wanted, and last its bytes exactly as they are
// hashed. It is the form of the lines of a proof export.
func appendLine(b []byte, l *flows.Leaf, openings bool) []byte {
	b = append(b, `{"leaf":`...)
	b = strconv.AppendInt(b, l.Index, 10)
	b = append(b, `,"openings":[`...)
	for i, o := range l.Entry.Openings {
		if !openings {
			break
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"path":`...), o.Path)
		b = append(b, `,"salt":"`...)
		b = hex.AppendEncode(b, o.Salt)
		b = append(appendText(append(b, `","value":`...), o.Value), '}')
	}
	b = append(b, `],"entry":`...)
	b = append(b, l.Entry.Bytes...)
	return append(b, '}')
}

// appendText writes a string in the canonical form.
func appendText(b []byte, s string) []byte {
	text, err := flows.Canonical(strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil {
		return append(b, `""`...) // valid UTF-8 has a form
	}
	return append(b, text...)
}
