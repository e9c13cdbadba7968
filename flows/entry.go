package flows

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// EntrySchema is the version of the byte form of audit entries. A reader of version
// n understands every version up to n; bytes once written are never rewritten.
const EntrySchema = 1

// Entry is an audit entry as Decide drafts it: facts in the open, personal data
// marked as such. Seal turns it into bytes.
type Entry struct {
	Verb  string // a Verb, or "refused", "config_loaded", "started", "note", …
	From  State
	To    State
	At    time.Time
	Actor Actor
	Code  Code           // of a refusal
	Facts map[string]any // canonical values, and Personal anywhere below
}

// Personal is a value about a person: a name, an e-mail address, a pinned id, a
// reason, an answer. In the bytes stands only a salted commitment; its opening lies
// beside the entry and is destroyed when the person is erased.
type Personal struct {
	About PersonID
	Value string
}

// ChainHead is the end of a chain of entries: how many, and the last hash.
type ChainHead struct {
	Len  int64
	Hash string // hex; empty for an empty chain
}

// Sealed is an audit entry in its final form.
type Sealed struct {
	Chain    string // the request's id, or "system"
	Seq      int64  // from 1, gapless within the chain
	At       time.Time
	Verb     string
	Prev     string // hash of the entry before; empty for the first
	Bytes    []byte // canonical; what is hashed
	Hash     string // LeafHash(Bytes), hex
	Openings []Opening
}

// Opening is what opens one commitment of an entry.
type Opening struct {
	Path  string // where in the entry: "facts.reason"
	About PersonID
	Salt  []byte // 16 random bytes
	Value string
}

// LeafHash is the RFC 6962 leaf hash, SHA-256(0x00 ‖ bytes): the entry is a leaf of
// the audit tree as it stands.
func LeafHash(b []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(b)
	var sum [32]byte
	h.Sum(sum[:0])
	return sum
}

// Commit is the commitment to a personal value: SHA-256 over a label, the salt and
// the value, each with its length, so that no two triples share bytes.
func Commit(path string, salt []byte, value string) string {
	b := make([]byte, 0, 256)
	b = appendPart(b, "breakglass commitment v1")
	b = appendPart(b, path)
	b = appendPart(b, string(salt))
	b = appendPart(b, value)
	sum := sha256.Sum256(b)
	return string(hex.AppendEncode(append(make([]byte, 0, 71), "sha256:"...), sum[:]))
}

func appendPart(b []byte, part string) []byte {
	b = append(strconv.AppendInt(b, int64(len(part)), 10), ':')
	return append(b, part...)
}

// Opens reports whether the opening opens the commitment.
func (o Opening) Opens(commitment string) bool {
	return subtle.ConstantTimeCompare([]byte(Commit(o.Path, o.Salt, o.Value)), []byte(commitment)) == 1
}

// Seal writes entries onto the end of chain: it commits to personal values with
// salts from random, encodes, hashes and links. It returns the new head.
func Seal(chain string, head ChainHead, entries []Entry, random func([]byte)) ([]Sealed, ChainHead, error) {
	out := make([]Sealed, 0, len(entries))
	for _, e := range entries {
		s, err := sealOne(chain, head, e, random)
		if err != nil {
			return nil, ChainHead{}, fmt.Errorf("seal %s entry of %s: %w", e.Verb, chain, err)
		}
		out = append(out, s)
		head = ChainHead{Len: s.Seq, Hash: s.Hash}
	}
	return out, head, nil
}

func sealOne(chain string, head ChainHead, e Entry, random func([]byte)) (Sealed, error) {
	s := Sealed{Chain: chain, Seq: head.Len + 1, At: e.At.UTC(), Verb: e.Verb, Prev: head.Hash}
	c := committer{random: random}
	actor := map[string]any{"door": string(e.Actor.Door)}
	if e.Actor.Person != "" {
		actor["person"] = Personal{About: e.Actor.Person, Value: string(e.Actor.Person)}
	}
	if e.Actor.Standing != "" {
		actor["standing"] = string(e.Actor.Standing)
	}
	if e.Actor.Trace != "" {
		actor["trace"] = e.Actor.Trace
	}
	e.Actor.visited(actor)
	body := object{
		{"actor", c.hide("actor", actor)}, {"at", s.At.UnixMilli()}, {"chain", chain}, {"code", string(e.Code)},
		{"facts", c.hide("facts", e.Facts)}, {"from", string(e.From)}, {"prev", s.Prev}, {"seq", s.Seq},
		{"to", string(e.To)}, {"v", int64(EntrySchema)}, {"verb", e.Verb},
	}
	var err error
	if s.Bytes, err = Canonical(body); err != nil {
		return Sealed{}, err
	}
	sum := LeafHash(s.Bytes)
	s.Hash, s.Openings = hex.EncodeToString(sum[:]), c.openings
	return s, nil
}

// visited adds how the actor came in. An address leads to a person, so it is a commitment.
func (a *Actor) visited(facts map[string]any) {
	if a.Person == "" {
		return
	}
	for name, v := range map[string]string{"permalink": a.Permalink, "from": a.From} {
		if v != "" {
			facts[name] = Personal{About: a.Person, Value: v}
		}
	}
	if !a.Signed.IsZero() {
		facts["signed_at"] = a.Signed.UnixMilli()
	}
}

// committer replaces Personal values by commitments, in a fixed order.
type committer struct {
	random   func([]byte)
	openings []Opening
}

func (c *committer) hide(path string, v any) any {
	switch x := v.(type) {
	case Personal:
		salt := make([]byte, 16)
		c.random(salt)
		c.openings = append(c.openings, Opening{Path: path, About: x.About, Salt: salt, Value: x.Value})
		return object{{"commit", Commit(path, salt, x.Value)}}
	case spelt:
		return c.hide(path, x.facts())
	case map[string]any:
		return c.hideMembers(path, ordered(x))
	case object:
		return c.hideMembers(path, slices.Clone(x.sorted()))
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = c.hide(path+"."+strconv.Itoa(i), e)
		}
		return out
	}
	return v
}

// hideMembers hides what lies in an object of its own, which is in order.
func (c *committer) hideMembers(path string, o object) object {
	for i, m := range o {
		switch m.value.(type) {
		case nil, bool, int64, string: // most are in the open, and their paths are not needed
		default:
			o[i].value = c.hide(path+"."+m.name, m.value)
		}
	}
	return o
}
