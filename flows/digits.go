package flows

import (
	"encoding/binary"
	"slices"
)

// AppendDigits appends a hash in hexadecimal digits, eight at a time: an entry has some ten,
// and a verification reads millions. What is over beyond a multiple of four bytes is left out.
func AppendDigits(dst, hash []byte) []byte {
	const each = 0x0101010101010101
	from, n := len(dst), len(hash)/4*4 // of a hash that is all
	dst = slices.Grow(dst, 2*n)[:from+2*n]
	for to := dst[from:]; len(hash) >= 4 && len(to) >= 8; hash, to = hash[4:], to[8:] {
		x := uint64(binary.BigEndian.Uint32(hash)) // its half bytes are spread over eight
		x = (x | x<<16) & 0x0000ffff0000ffff
		x = (x | x<<8) & 0x00ff00ff00ff00ff
		x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
		letters := (x + 6*each) >> 4 & each // 1 where it is ten or more
		binary.BigEndian.PutUint64(to, x+'0'*each+letters*('a'-'0'-10))
	}
	return dst
}
