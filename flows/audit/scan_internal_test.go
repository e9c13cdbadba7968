package audit

import (
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"breakglass/flows"
)

// TestOrdinary: what is stepped over at once is nothing that has to be looked at, and goes as far as that.
func TestOrdinary(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		want := c >= 0x20 && c < 0x80 && c != '"' && c != '\\'
		for at := range 8 {
			for _, beside := range []byte{' ', 'a', '~', 0x7f, '!', '#', '[', ']'} {
				b := [8]byte{beside, beside, beside, beside, beside, beside, beside, beside}
				b[at] = byte(c)
				n := 8
				if !want {
					n = at
				}
				if got := ordinary(binary.LittleEndian.Uint64(b[:])); got != n {
					t.Fatalf("%q: %d, want %d", b, got, n)
				}
			}
		}
	}
}

// TestOpens: of whatever length it is, an opening opens what was committed to with it, and nothing else.
func TestOpens(t *testing.T) {
	t.Parallel()
	for n := range 1100 {
		path, salt, value := strings.Repeat("p", 1+n%130), []byte(strings.Repeat("s", n%40)), strings.Repeat("v", n)
		o := flows.OpeningRow{Path: []byte(path), Salt: salt, Value: []byte(value)}
		commitment := flows.Commit(path, salt, value)
		if !opens(&o, []byte(commitment)) {
			t.Fatalf("a value of %d bytes does not open its commitment", n)
		}
		o.Value = append(o.Value, 'v')
		if opens(&o, []byte(commitment)) {
			t.Fatalf("a value of %d bytes opens another's commitment", n)
		}
	}
}

// TestNumber: a number is what it says, and is written in one way only.
func TestNumber(t *testing.T) {
	t.Parallel()
	for text, is := range map[string]bool{
		"0": true, "7": true, "-7": true, "10": true, "1700000000000": true, "123456789012345678": true, "999999999999999999": true,
		"1000000000000000000": true, "9223372036854775807": true, "-9223372036854775808": true, "-999999999999999999": true,
		"": false, "-": false, "-0": false, "00": false, "01": false, "-01": false, "9223372036854775808": false, "99999999999999999999999": false,
	} {
		for _, after := range []string{"", ",", "}", " ", "a", "."} {
			s := scanner{b: []byte(text + after)}
			got, err := s.number()
			want, wrong := strconv.ParseInt(text, 10, 64)
			if (err == nil) != is || is && (got != want || wrong != nil || s.i != len(text)) {
				t.Errorf("%q before %q is read as %d up to %d, %v", text, after, got, s.i, err)
			}
		}
	}
}
