package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

const digits = 2 * sha256.Size

// Entry packs the bytes of an entry, in whose row its chain and its time (milliseconds)
// stand besides. It is nil if they cannot be had back from it: then they are kept as they
// are.
func Entry(chain string, at int64, entry []byte) []byte {
	if len(entry) > most {
		return nil
	}
	time := strconv.AppendInt(nil, at, 10)
	text, hashes := make([]byte, 0, len(entry)), []byte(nil)
	for i := 0; i < len(entry); {
		switch rest := entry[i:]; {
		case rest[0] < ' ':
			return nil
		case hexadecimal(rest[0]) && (i == 0 || !hexadecimal(entry[i-1])) && hashed(rest):
			text = append(text, theHash)
			hashes, _ = hex.AppendDecode(hashes, rest[:digits]) // hashed has looked
			i += digits
		case chain != "" && rest[0] == chain[0] && bytes.HasPrefix(rest, []byte(chain)):
			text = append(text, theChain)
			i += len(chain)
		case rest[0] == time[0] && bytes.HasPrefix(rest, time):
			text = append(text, theTime)
			i += len(time)
		default:
			text = append(text, rest[0])
			i++
		}
	}
	packed := binary.AppendUvarint([]byte{form}, uint64(len(hashes)/sha256.Size))
	packed = append(packed, hashes...)
	packed = append(packed, dictionary().Encode(nil, text)...)
	if again, err := new(Unpacker).Entry(nil, chain, at, packed); err != nil || !bytes.Equal(again, entry) {
		return nil
	}
	return packed
}

// hashed reports whether a text begins with the digits of a hash, and no more than these.
func hashed(b []byte) bool {
	if len(b) < digits || len(b) > digits && hexadecimal(b[digits]) {
		return false
	}
	for _, c := range b[:digits] {
		if !hexadecimal(c) {
			return false
		}
	}
	return true
}

func hexadecimal(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

// Entry appends what Entry packed to dst. ErrForm of anything else.
func (u *Unpacker) Entry(dst []byte, chain string, at int64, packed []byte) ([]byte, error) {
	block, hashes, err := parts(packed, sha256.Size)
	if err != nil {
		return dst, err
	}
	text, err := u.unpack(block)
	if err != nil {
		return dst, err
	}
	from := len(dst)
	for len(text) > 0 {
		n := 0
		for n < len(text) && text[n] >= ' ' {
			n++
		}
		dst = append(dst, text[:n]...)
		if n == len(text) {
			break
		}
		switch text[n] {
		case theHash:
			if len(hashes) == 0 {
				return dst[:from], ErrForm
			}
			dst = hex.AppendEncode(dst, hashes[:sha256.Size])
			hashes = hashes[sha256.Size:]
		case theChain:
			dst = append(dst, chain...)
		case theTime:
			dst = strconv.AppendInt(dst, at, 10)
		default:
			return dst[:from], ErrForm
		}
		if text = text[n+1:]; len(dst)-from > most {
			return dst[:from], ErrForm
		}
	}
	if len(hashes) > 0 {
		return dst[:from], ErrForm
	}
	return dst, nil
}

// parts are what something packed is made of: so many pieces of a size, and a block.
func parts(packed []byte, size int) (block, pieces []byte, err error) {
	if len(packed) < 2 || packed[0] != form {
		return nil, nil, ErrForm
	}
	n, l := binary.Uvarint(packed[1:])
	if l <= 0 || n > uint64(len(packed)/size) {
		return nil, nil, ErrForm
	}
	packed = packed[1+l:]
	if end := int(n) * size; end <= len(packed) {
		return packed[end:], packed[:end], nil
	}
	return nil, nil, ErrForm
}
