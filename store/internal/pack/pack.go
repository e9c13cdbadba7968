// Package pack makes small what the store keeps of audit entries: their canonical bytes,
// and the openings of one entry together. What every entry says comes from a dictionary,
// hashes are kept as bytes and not as digits, and what stands beside the entry in its row
// is not kept again.
//
// It imports flows and a compressor. Read entry.go first. What is packed once is read for
// as long as the audit is kept: the dictionary and both forms never change; another one
// gets a number of its own.
package pack

import (
	_ "embed"
	"errors"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"
)

// ErrForm is of something that was not packed here.
var ErrForm = errors.New("it is not in the form that entries are packed in")

// form is the first byte of what is packed: which dictionary, and how.
const form = 1

// most is how long something unpacked may be, in bytes. What is longer is not packed, and
// what says that it is longer was not packed here.
const most = 1 << 20

// What stands in a text for something that is kept elsewhere. None of these is in the
// bytes of an entry: JSON escapes them.
const (
	theHash  = 0x01 // 64 hexadecimal digits
	theChain = 0x02 // the chain, as its column has it
	theTime  = 0x03 // the time, as its column has it
	theEnd   = 0x04 // of a path or a person, among openings
	theSame  = 0x05 // the person of the opening before
	another  = 0x06 // a time of 13 digits: milliseconds from this century
)

//go:embed dictionary.txt
var words string

// dictionary is what entries have in common: some of each kind, the commonest last, and
// the paths of their openings.
var dictionary = sync.OnceValue(func() *s2.Dict {
	marks := strings.NewReplacer("<hash>", string(rune(theHash)), "<chain>", string(rune(theChain)), "<at>", string(rune(theTime)), "<end>", string(rune(theEnd)), "<time>", string(rune(another)))
	return s2.MakeDict([]byte(marks.Replace(words)), nil)
})

// Unpacker unpacks. It is for one goroutine; the zero value is good.
type Unpacker struct {
	text []byte
	all  []Opening
}

// unpack is the text in a block.
func (u *Unpacker) unpack(block []byte) ([]byte, error) {
	n, err := s2.DecodedLen(block)
	if err != nil || n > most {
		return nil, ErrForm
	}
	if u.text, err = dictionary().Decode(u.text, block); err != nil {
		return nil, ErrForm
	}
	return u.text, nil
}
