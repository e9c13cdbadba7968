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

// What stands in a text for something that is kept elsewhere, behind a mark. None of these
// is in the bytes of an entry: JSON escapes them.
const (
	theMark  = 0x01
	theHash  = 0x02 // 64 hexadecimal digits
	theChain = 0x03 // the chain, as its column has it
	theTime  = 0x04 // the time, as its column has it
	another  = 0x05 // a time of 13 digits: milliseconds from this century
)

// What stands in the text of openings.
const (
	theEnd  = 0x06 // of a path or a person
	theSame = 0x07 // the person of the opening before
)

//go:embed dictionary.txt
var words string

// dictionary is what entries have in common: some of each kind, the commonest last, and
// the paths of their openings.
var dictionary = sync.OnceValue(func() *s2.Dict {
	kept := func(what byte) string { return string([]byte{theMark, what}) }
	marks := strings.NewReplacer("<hash>", kept(theHash), "<chain>", kept(theChain), "<at>", kept(theTime), "<time>", kept(another), "<end>", string(rune(theEnd)))
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
