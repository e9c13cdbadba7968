package audit

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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
	kind     kind
	index    int64     // of a leaf, as it says
	hash     tlog.Hash // of a leaf
	body     body
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

// check looks at a record alone. It may run side by side with others.
func (it *item) check(keys note.Verifiers) {
	if it.Line != nil {
		if err := it.decode(); err != nil {
			it.find(lineOnly, "", "a line is not one of an export: "+err.Error())
			return
		}
	}
	switch {
	case it.Leaf != nil:
		it.kind = kindLeaf
		it.checkLeaf()
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
	return fmt.Sprintf("entry %d of %s", it.body.seq, it.body.chain)
}

func (it *item) checkLeaf() {
	e := &it.Leaf.Entry
	it.index, it.hash = it.Leaf.Index, flows.LeafHash(e.Bytes)
	if err := scan(e.Bytes, &it.body); err != nil {
		name := ""
		if e.Chain != "" {
			name = fmt.Sprintf("entry %d of %s", e.Seq, e.Chain)
		}
		it.find(lineOnly, name, "it was altered: "+err.Error())
		return
	}
	it.good = true
	if e.Hash != "" { // of the store, which has columns beside the bytes
		var sum [2 * tlog.HashSize]byte
		hex.Encode(sum[:], it.hash[:])
		b := &it.body
		switch {
		case string(sum[:]) != e.Hash:
			it.find(lineOnly, it.name(), "it was altered: its bytes do not have its hash")
		case string(b.chain) != e.Chain || b.seq != e.Seq || string(b.prev) != e.Prev || string(b.verb) != e.Verb || b.at != e.At.UnixMilli():
			it.find(lineOnly, it.name(), "it was altered: its columns are not what its bytes say")
		}
	}
	it.open(e.Openings)
	if string(it.body.verb) == VerbErased {
		it.erases = erasedIn(e.Bytes)
	}
}

// open holds the openings to the commitments.
func (it *item) open(openings []flows.Opening) {
	it.opened = 0
	seen := 0
	for i := range openings {
		c := it.commitAt(openings[i].Path)
		switch {
		case i > 0 && openings[i-1].Path >= openings[i].Path:
			it.find(lineOnly, it.name(), "its openings are not in their order: "+openings[i].Path)
		case c == nil:
			it.find(lineOnly, it.name(), "an opening was added that opens nothing: "+openings[i].Path)
		case !opens(&openings[i], c.hash):
			it.find(lineOnly, it.name(), "an opening was altered: "+openings[i].Path)
			seen++
		default:
			it.opened++
			seen++
		}
	}
	if seen == len(it.body.commits) {
		return
	}
	for _, c := range it.body.commits {
		found := false
		for i := range openings {
			found = found || openings[i].Path == c.path
		}
		if !found {
			it.missing = append(it.missing, c.path)
		}
	}
}

// opens is flows.Opening.Opens without allocating: a log has millions of openings.
func opens(o *flows.Opening, commitment string) bool {
	var room [512]byte
	b := room[:0]
	for _, part := range [...]string{"breakglass commitment v1", o.Path, string(o.Salt), o.Value} {
		b = strconv.AppendInt(b, int64(len(part)), 10)
		b = append(append(b, ':'), part...)
	}
	sum := sha256.Sum256(b)
	var text [7 + 2*sha256.Size]byte
	copy(text[:], "sha256:")
	hex.Encode(text[7:], sum[:])
	return string(text[:]) == commitment
}

func (it *item) commitAt(path string) *commit {
	for i := range it.body.commits {
		if it.body.commits[i].path == path {
			return &it.body.commits[i]
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
