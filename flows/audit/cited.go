package audit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Cited is an entry as a text outside of the log names it. Entries are linked, so what
// the hash fixes is the entry and every one before it in its chain.
type Cited struct {
	Origin string // whose log, as in Head; empty where it signs nothing
	Chain  string
	Seq    int64
	Hash   string // how the hash begins, citedDigits long
}

// citedDigits is how much of a hash is cited: 80 bits, which nobody makes fit again.
const citedDigits = 20

// Cite names an entry by its whole hash.
func Cite(origin, chain string, seq int64, hash string) Cited {
	return Cited{Origin: origin, Chain: chain, Seq: seq, Hash: hash[:min(len(hash), citedDigits)]}
}

// Line is the citation in the middle of other words; FindCited finds it there again.
func (c Cited) Line() string {
	whose := "Audit log"
	if c.Origin != "" {
		whose += " " + c.Origin
	}
	return fmt.Sprintf("%s: entry %d of %s is %s.", whose, c.Seq, c.Chain, c.Hash)
}

// Of reports whether an entry with the whole hash is the one that is cited.
func (c Cited) Of(hash string) bool {
	return len(hash) > citedDigits && strings.HasPrefix(hash, c.Hash)
}

var citedLine = regexp.MustCompile(`Audit log(?: (\S+))?: entry ([1-9][0-9]{0,17}) of (\S+) is ([0-9a-f]{20})\.`)

// FindNoted finds the head that Line put at the end of a note: what people typed stands
// before it, and before the citation that is written with it.
func FindNoted(text string) (Head, bool) {
	if all := citedLine.FindAllStringIndex(text, -1); len(all) > 0 {
		text = text[all[len(all)-1][1]:]
	}
	heads := FindHeads(text)
	if len(heads) == 0 {
		return Head{}, false
	}
	return heads[len(heads)-1], true
}

// FindCited finds the last citation in a text: what people typed stands before it.
func FindCited(text string) (Cited, bool) {
	all := citedLine.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return Cited{}, false
	}
	m := all[len(all)-1]
	seq, err := strconv.ParseInt(m[2], 10, 64)
	return Cited{Origin: m[1], Chain: m[3], Seq: seq, Hash: m[4]}, err == nil
}
