package audit

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"breakglass/flows"
)

type kind int

const (
	kindNone kind = iota // nothing that can be used
	kindLeaf
	kindCheckpoint
	kindBegin // of an export
	kindEnd   // of an export
)

// lineOnly is the place of a finding that is known only where the line stands.
const lineOnly = -2

// item is a record with what a look at it alone tells.
type item struct {
	Record
	row      flows.LeafRow // the leaf, if it is a line of an export
	kind     kind
	index    int64     // of a leaf, as it says
	hash     tlog.Hash // of a leaf
	said     said
	good     bool // the bytes are an entry
	opened   int
	missing  []string // paths of commitments without opening
	erases   []string // "CHAIN/SEQ/PATH" of what this entry says was erased
	head     Head     // of a checkpoint
	trusted  bool     // it is signed by a pinned key
	total    int64    // entries, at the end of an export
	heads    int64    // checkpoints, likewise
	findings []Finding
}

// check looks at each record of a page alone.
func (b *batch) check(keys note.Verifiers) {
	b.items = slices.Grow(b.items[:0], len(b.records))[:len(b.records)]
	clear(b.items[len(b.items):cap(b.items)]) // what is left of a longer page keeps its text
	for i, r := range b.records {
		it := &b.items[i]
		*it = item{Record: r, row: it.row}
		it.check(keys, b)
	}
}

// check looks at a record alone, in the room that there is for its page.
func (it *item) check(keys note.Verifiers, in *batch) {
	if it.Line != nil {
		if err := it.decode(&in.room.Leaves); err != nil {
			it.find(lineOnly, "", "a line is not one of an export: "+err.Error())
			return
		}
	}
	switch {
	case it.Leaf != nil:
		it.kind = kindLeaf
		it.checkLeaf(in)
	case it.Checkpoint != nil:
		it.kind = kindCheckpoint
		it.checkHead(keys)
	}
}

func (it *item) find(at int64, entry, what string) {
	it.findings = append(it.findings, Finding{From: at, To: at, Entry: entry, What: what})
}

// name is how a leaf is called.
func (it *item) name() string {
	if !it.good {
		return "an entry"
	}
	return fmt.Sprintf("entry %d of %s", it.said.seq, it.said.chain)
}

func (it *item) checkLeaf(in *batch) {
	e := it.Leaf
	it.index, it.hash = e.Index, flows.LeafHash(e.Bytes)
	s := scanner{b: e.Bytes, said: &it.said, commits: in.commits[:0], paths: in.paths[:0]}
	if in.shapes == nil {
		in.shapes = shapes{}
	}
	err := in.shapes.scan(&s)
	in.commits, in.paths = s.commits, s.paths
	if err != nil {
		name := ""
		if len(e.Chain) > 0 {
			name = fmt.Sprintf("entry %d of %s", e.Seq, e.Chain)
		}
		it.find(lineOnly, name, "it was altered: "+err.Error())
		return
	}
	it.good = true
	if len(e.Hash) > 0 { // of the store, which has columns beside the bytes
		var room [2 * tlog.HashSize]byte
		sum := flows.AppendDigits(room[:0], it.hash[:])
		b := &it.said
		switch {
		case !bytes.Equal(sum, e.Hash):
			it.find(lineOnly, it.name(), "it was altered: its bytes do not have its hash")
		case !bytes.Equal(b.chain, e.Chain) || b.seq != e.Seq || len(e.Prev) > 0 && !bytes.Equal(b.prev, e.Prev) || !bytes.Equal(b.verb, e.Verb) || b.at != e.At:
			it.find(lineOnly, it.name(), "it was altered: its columns are not what its bytes say")
		}
	}
	it.open(e.Openings, in.commits)
	if string(it.said.verb) == VerbErased {
		it.erases = erasedIn(e.Bytes)
	}
}

// open holds the openings to the commitments.
func (it *item) open(openings []flows.OpeningRow, commits []commit) {
	seen := 0
	for i := range openings {
		o := &openings[i]
		c := commitAt(commits, o.Path)
		switch {
		case i > 0 && bytes.Compare(openings[i-1].Path, o.Path) >= 0:
			it.find(lineOnly, it.name(), fmt.Sprintf("its openings are not in their order: %s", o.Path))
		case c == nil:
			it.find(lineOnly, it.name(), fmt.Sprintf("an opening was added that opens nothing: %s", o.Path))
		case !opens(o, c.hash):
			it.find(lineOnly, it.name(), fmt.Sprintf("an opening was altered: %s", o.Path))
			seen++
		default:
			it.opened++
			seen++
		}
	}
	if seen == len(commits) {
		return
	}
	for _, c := range commits {
		found := false
		for i := range openings {
			found = found || bytes.Equal(openings[i].Path, c.path)
		}
		if !found {
			it.missing = append(it.missing, string(c.path))
		}
	}
}

// opens is flows.Opening.Opens without allocating: a log has millions of openings.
func opens(o *flows.OpeningRow, commitment []byte) bool {
	var room [512]byte
	b := append(room[:0], "24:breakglass commitment v1"...)
	for _, part := range [...][]byte{o.Path, o.Salt, o.Value} {
		if n := len(part); n < 10 {
			b = append(b, '0'+byte(n), ':')
		} else if n < 100 {
			b = append(b, '0'+byte(n/10), '0'+byte(n%10), ':')
		} else {
			b = append(strconv.AppendInt(b, int64(n), 10), ':')
		}
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	var text [7 + 2*sha256.Size]byte
	return bytes.Equal(flows.AppendDigits(append(text[:0], "sha256:"...), sum[:]), commitment)
}

func commitAt(commits []commit, path []byte) *commit {
	for i := range commits {
		if bytes.Equal(commits[i].path, path) {
			return &commits[i]
		}
	}
	return nil
}

// checkHead opens a checkpoint and holds its columns to it.
func (it *item) checkHead(keys note.Verifiers) {
	c := it.Checkpoint
	var err error
	switch {
	case strings.Count(c.Note, signature) != 1:
		err = errors.New("it has not one signature")
	case keys != nil:
		it.head, err = Open(c.Note, keys)
		it.trusted = err == nil
	default:
		it.head, err = Peek(c.Note)
	}
	if err != nil {
		it.kind = kindNone
		it.find(lineOnly, "", fmt.Sprintf("the checkpoint of %d entries: %v", c.Size, err))
		return
	}
	if c.Size != 0 && (c.Size != it.head.Size || subtle.ConstantTimeCompare(c.Root[:], it.head.Root[:]) == 0) {
		it.find(lineOnly, "", fmt.Sprintf("the checkpoint of %d entries: its columns are not what its note says", c.Size))
	}
}

// VerbErased is the verb of an entry that says which openings were destroyed. Its fact
// "openings" lists them: "CHAIN/SEQ/PATH".
const VerbErased = "erased"

func erasedIn(b []byte) []string {
	var e struct {
		Facts struct {
			Openings []string `json:"openings"`
		} `json:"facts"`
	}
	if json.Unmarshal(b, &e) != nil {
		return nil
	}
	return e.Facts.Openings
}
