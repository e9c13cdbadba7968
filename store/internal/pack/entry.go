package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"breakglass/flows"
)

// How many digits a hash has, and a time of these centuries in milliseconds.
const (
	hashDigits = 2 * sha256.Size
	timeDigits = 13
)

// Entry packs the bytes of an entry, in whose row its chain and its time (milliseconds)
// stand besides. It is nil if they cannot be had back from it: then they are kept as they
// are.
func Entry(chain string, at int64, entry []byte) []byte {
	if len(entry) > most {
		return nil
	}
	w := writer{chain: []byte(chain), at: at, digits: strconv.AppendInt(nil, at, 10), text: make([]byte, 0, len(entry))}
	before := byte(' ')
	for i := 0; i < len(entry); before = entry[i-1] {
		switch c := entry[i]; {
		case c < ' ':
			return nil
		case hexadecimal(c) || len(chain) > 0 && c == chain[0]: // whatever is kept elsewhere begins so
			i += w.next(before, entry[i:])
		default:
			w.text = append(w.text, c)
			i++
		}
	}
	packed := binary.AppendUvarint([]byte{form}, uint64(len(w.hashes)/sha256.Size))
	packed = append(packed, w.hashes...)
	packed = binary.AppendUvarint(packed, uint64(len(w.times)))
	packed = append(packed, w.times...)
	packed = append(packed, dictionary().Encode(nil, w.text)...)
	if again, err := new(Unpacker).Entry(nil, w.chain, at, packed); err != nil || !bytes.Equal(again, entry) {
		return nil
	}
	return packed
}

// writer takes an entry apart.
type writer struct {
	chain, digits       []byte // as they are in the row
	at                  int64
	text, hashes, times []byte
}

// next takes what an entry goes on with, and says how much of it that was.
func (w *writer) next(before byte, rest []byte) int {
	switch {
	case hexadecimal(rest[0]) && !hexadecimal(before) && run(rest, hexadecimal) == hashDigits:
		w.text = append(w.text, theMark, theHash)
		w.hashes, _ = hex.AppendDecode(w.hashes, rest[:hashDigits]) // all of them are digits
		return hashDigits
	case len(w.chain) > 0 && bytes.HasPrefix(rest, w.chain):
		w.text = append(w.text, theMark, theChain)
		return len(w.chain)
	case bytes.HasPrefix(rest, w.digits):
		w.text = append(w.text, theMark, theTime)
		return len(w.digits)
	case rest[0] == '1' && !decimal(before) && run(rest, decimal) == timeDigits:
		ms, _ := strconv.ParseInt(string(rest[:timeDigits]), 10, 64) // likewise
		w.text = append(w.text, theMark, another)
		w.times = binary.AppendVarint(w.times, ms-w.at)
		return timeDigits
	}
	w.text = append(w.text, rest[0])
	return 1
}

// run is how long the digits are that a text begins with; of more than those of a hash it
// does not count all.
func run(b []byte, digit func(byte) bool) int {
	for i, c := range b {
		if !digit(c) || i > hashDigits {
			return i
		}
	}
	return len(b)
}

func hexadecimal(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

func decimal(c byte) bool { return '0' <= c && c <= '9' }

// Entry appends what Entry packed to dst. ErrForm of anything else.
func (u *Unpacker) Entry(dst, chain []byte, at int64, packed []byte) ([]byte, error) {
	r, err := u.read(packed)
	if err != nil {
		return dst, err
	}
	from := len(dst)
	for {
		n := bytes.IndexByte(r.text, theMark)
		if n < 0 || n == len(r.text)-1 {
			dst = append(dst, r.text...)
			break
		}
		dst = append(dst, r.text[:n]...)
		switch r.text[n+1] {
		case theHash:
			dst = flows.AppendDigits(dst, r.hash())
		case theChain:
			dst = append(dst, chain...)
		case theTime:
			dst = strconv.AppendInt(dst, at, 10)
		case another:
			dst = strconv.AppendInt(dst, at+r.time(), 10)
		default:
			return dst[:from], ErrForm
		}
		if r.text = r.text[n+2:]; r.bad || len(dst)-from > most {
			return dst[:from], ErrForm
		}
	}
	if len(r.hashes)+len(r.times) > 0 {
		return dst[:from], ErrForm
	}
	return dst, nil
}

// entryReader puts an entry together again.
type entryReader struct {
	text, hashes, times []byte
	bad                 bool // there are fewer than the text has
}

func (u *Unpacker) read(packed []byte) (r entryReader, err error) {
	rest, hashes, err := parts(packed, sha256.Size)
	if err != nil {
		return r, err
	}
	n, l := binary.Uvarint(rest)
	if l <= 0 || n > uint64(len(rest)-l) {
		return r, ErrForm
	}
	r.hashes, r.times = hashes, rest[l:l+int(n)]
	r.text, err = u.unpack(rest[l+int(n):])
	return r, err
}

// hash is the next one.
func (r *entryReader) hash() []byte {
	if len(r.hashes) == 0 {
		r.bad = true
		return nil
	}
	h := r.hashes[:sha256.Size]
	r.hashes = r.hashes[sha256.Size:]
	return h
}

// time is the next one, as the milliseconds since the entry's own.
func (r *entryReader) time() int64 {
	ms, l := binary.Varint(r.times)
	if l <= 0 {
		r.bad = true
		return 0
	}
	r.times = r.times[l:]
	return ms
}

// parts are what something packed is made of: so many pieces of a size, and the rest.
func parts(packed []byte, size int) (rest, pieces []byte, err error) {
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
