package app

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"

	"breakglass/flows"
)

// RandomIDs makes ids and randomness from the operating system's source.
type RandomIDs struct{}

// crockford is Crockford's base 32: no letter that is read as a digit.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// RequestID is "req_" and 26 characters: 48 bits of time, then 80 random bits.
func (r RandomIDs) RequestID(now time.Time) flows.RequestID {
	var b [16]byte
	r.Random(b[6:])
	ms := uint64(now.UnixMilli())
	binary.BigEndian.PutUint16(b[0:2], uint16(ms>>32))
	binary.BigEndian.PutUint32(b[2:6], uint32(ms))
	var out strings.Builder
	out.WriteString("req_")
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	for i := 25; i >= 0; i-- {
		shift := uint(i * 5)
		var v uint64
		switch {
		case shift >= 64:
			v = hi >> (shift - 64)
		case shift+5 > 64:
			v = hi<<(64-shift) | lo>>shift
		default:
			v = lo >> shift
		}
		out.WriteByte(crockford[v&31])
	}
	return flows.RequestID(out.String())
}

// Random fills b; the operating system's source does not fail.
func (RandomIDs) Random(b []byte) { _, _ = rand.Read(b) }
