package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/store"
	"breakglass/store/internal/pack"
)

// A store is altered behind the program's back, a thousand times with the tests of
// package audit: each time it is found, and the place is named.

const (
	tamperEntries = 280 // more than a block of the tree
	tamperEach    = 20  // alterations of each kind
)

// altering is a store without its triggers, and a copy of it as it was.
type altering struct {
	*testing.T
	st     *store.Store
	db     *sql.DB
	leaves []flows.Leaf
	heads  []flows.Checkpoint
	signer note.Signer
	public string
	rnd    *rand.Rand
}

func TestTampering(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(t.TempDir(), "whole.db")
	signer, public := fillForTampering(t, whole)
	for name, alter := range tamperings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := openAltering(t, whole, name)
			v.signer, v.public = signer, public
			n := tamperEach
			if raceDetector { // it is slow, and looks for something else
				n = 2
			}
			for i := range n {
				v.once(i, name, alter)
			}
		})
	}
}

// fillForTampering writes requests of four entries, two at a time, and signs now and then.
func fillForTampering(t *testing.T, path string) (note.Signer, string) {
	t.Helper()
	st := mustOpen(t, store.Options{DSN: path})
	rnd := rand.NewChaCha8([32]byte{1})
	random := func(b []byte) { _, _ = rnd.Read(b) }
	private, public, err := audit.MakeKey(random, "acme.example/breakglass")
	if err != nil {
		t.Fatal(err)
	}
	signer, _, err := audit.Signer(private)
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]flows.ChainHead{}
	for i := range tamperEntries {
		chain := fmt.Sprintf("req_%03d", i/8*2+i%2)
		list, head, err := flows.Seal(chain, ends[chain], []flows.Entry{{
			Verb: "approved", From: flows.StatePending, To: flows.StateApproved, At: noon, Actor: flows.Actor{Person: "T/UDANA", Door: flows.DoorSlack},
			Facts: map[string]any{"reason": flows.Personal{About: "T/UDANA", Value: "the database is down"}, "n": int64(i)},
		}}, random)
		if err != nil {
			t.Fatal(err)
		}
		ends[chain] = head
		if _, err := st.Apply(t.Context(), flows.Change{Chain: chain, Entries: list}); err != nil {
			t.Fatal(err)
		}
		if i%40 != 39 && i != tamperEntries-1 {
			continue
		}
		g, err := audit.Growth(t.Context(), st, signer, noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Apply(t.Context(), flows.Change{Tree: g}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return signer, public
}

func openAltering(t *testing.T, whole, name string) *altering {
	t.Helper()
	path := filepath.Join(t.TempDir(), "victim.db")
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=synchronous(0)&_pragma=ignore_check_constraints(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	v := &altering{T: t, db: db, rnd: rand.New(rand.NewPCG(7, uint64(len(name))))}
	for _, trigger := range v.texts("SELECT name FROM sqlite_master WHERE type = 'trigger'") {
		v.do("DROP TRIGGER " + trigger)
	}
	v.do("ATTACH DATABASE ? AS whole", whole)
	v.st = mustOpen(t, store.Options{DSN: path, ReadOnly: true, Conns: 1})
	if v.leaves, err = v.st.Leaves(t.Context(), 0, tamperEntries); err != nil || len(v.leaves) != tamperEntries {
		t.Fatal(len(v.leaves), err)
	}
	if v.heads, err = v.st.Checkpoints(t.Context(), 0, 100); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *altering) do(statement string, args ...any) {
	v.Helper()
	if _, err := v.db.ExecContext(v.Context(), statement, args...); err != nil {
		v.Fatalf("%s: %v", statement, err)
	}
}

func (v *altering) texts(query string) (out []string) {
	v.Helper()
	rows, err := v.db.QueryContext(v.Context(), query)
	if err != nil {
		v.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			v.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		v.Fatal(err)
	}
	return out
}

// once alters the store, verifies it, and puts it back.
func (v *altering) once(i int, name string, alter func(*altering) tampered) {
	v.Helper()
	v.do("BEGIN")
	what := alter(v)
	v.do("COMMIT")
	kept := v.heads[len(v.heads)-1]
	r := v.verify(kept)
	covered := what.at < 0
	for _, f := range r.Findings {
		covered = covered || f.From <= what.at && what.at <= f.To
	}
	switch {
	case r.OK():
		v.Errorf("%s %d (%s) was not found", name, i, what.what)
	case what.names != "" && !strings.Contains(fmt.Sprint(r.Findings), what.names):
		v.Errorf("%s %d (%s) is found, and %s is not named: %v", name, i, what.what, what.names, r.Findings)
	case !covered || what.at >= 0 && r.First().From > what.at:
		v.Errorf("%s %d (%s): place %d was altered, and the first is said to be: %v", name, i, what.what, what.at, r.Findings)
	}
	if what.signed {
		if r := v.verify(); !r.OK() {
			v.Errorf("%s %d: who has the key is found without a witness, so the test does not test one: %v", name, i, r.First())
		}
	}
	for _, table := range []string{"entries", "packed_openings", "openings", "leaves", "tree", "checkpoints", "chains", "unsequenced"} {
		v.do("DELETE FROM " + table)
		v.do("INSERT INTO " + table + " SELECT * FROM whole." + table) //nolint:unqueryvet // whatever its columns are
	}
}

func (v *altering) verify(kept ...flows.Checkpoint) *audit.Report {
	v.Helper()
	keys, err := audit.Keys(v.public)
	if err != nil {
		v.Fatal(err)
	}
	o := audit.Options{Keys: keys, Kept: v.st.EachTreeNode, Heads: v.st.EachHead}
	for _, c := range kept {
		o.Witnessed = append(o.Witnessed, audit.Witnessed{Note: c.Note, Where: "the wall"})
	}
	places := v.st.VerifyPlaces(v.Context())
	r, err := audit.Verify(v.Context(), audit.Live(v.st), o)
	if err != nil {
		v.Fatal(err)
	}
	all, err := v.st.VerifyHeads(v.Context()), errors.Join(places, v.st.VerifyEnds(v.Context(), r.Unended, r.Headless))
	if r.OK() && (all == nil) != (err == nil) {
		v.Errorf("the walk says of the ends %v; looking at all heads says %v", err, all)
	}
	if err != nil {
		r.Find(audit.Finding{From: -1, To: -1, What: err.Error()})
	}
	return r
}

// tampered says what was done, and where it must be found; -1: not at one place.
type tampered struct {
	what   string
	at     int64
	names  string // what is no place in the tree, and must be named
	signed bool   // by the real key: only a witness tells
}

func tamperings() map[string]func(*altering) tampered {
	return map[string]func(*altering) tampered{
		"byte": (*altering).flip, "packed byte": (*altering).packed, "column": (*altering).column, "rehash": (*altering).rehash, "delete": (*altering).remove,
		"delete and close the gap": (*altering).removeClosing, "insert": (*altering).insert, "swap": (*altering).swap, "truncate": (*altering).truncate,
		"replay a checkpoint": (*altering).replay, "forge a signature": (*altering).forge, "opening": (*altering).opening, "stored hash": (*altering).node,
		"chain head": (*altering).head, "sign all anew": (*altering).resigned, "remove and sign anew": (*altering).removeSigned,
	}
}

// any is a random leaf.
func (v *altering) any() flows.Leaf { return v.leaves[v.rnd.IntN(len(v.leaves))] }

const ofLeaf = "(SELECT entry FROM leaves WHERE idx = ?)"

func (v *altering) flip() tampered {
	l := v.any()
	b := bytes.Clone(l.Entry.Bytes)
	i := v.rnd.IntN(len(b))
	b[i] = "abcdefghijklmnop0123456789{}\",: "[(v.rnd.IntN(31)+1+strings.IndexByte("abcdefghijklmnop0123456789{}\",: ", b[i]))%32]
	v.do("UPDATE entries SET bytes = ? WHERE id = "+ofLeaf, string(b), l.Index)
	return tampered{what: fmt.Sprintf("byte %d", i), at: l.Index}
}

func (v *altering) column() tampered {
	l := v.any()
	set := []string{"at = at + 1", "verb = 'denied'", "seq = seq + 1000", "prev = hash", "hash = lower(hex(randomblob(32)))", "chain = 'req_999'"}[v.rnd.IntN(6)]
	v.do("UPDATE entries SET "+set+" WHERE id = "+ofLeaf, l.Index)
	return tampered{what: set, at: l.Index}
}

// altered is an entry with another verb, as whoever knows the form would write it.
func altered(e flows.Sealed) flows.Sealed {
	e.Bytes = bytes.Replace(e.Bytes, []byte(`"verb":"approved"`), []byte(`"verb":"denied"`), 1)
	e.Verb = "denied"
	return rehashed(e)
}

func rehashed(e flows.Sealed) flows.Sealed {
	sum := flows.LeafHash(e.Bytes)
	e.Hash = hex.EncodeToString(sum[:])
	return e
}

func (v *altering) store(index int64, e flows.Sealed) {
	v.Helper()
	v.do("UPDATE entries SET verb = ?, prev = ?, hash = ?, bytes = ? WHERE id = "+ofLeaf, e.Verb, e.Prev, e.Hash, string(e.Bytes), index)
	v.do("UPDATE chains SET hash = ? WHERE chain = ? AND len = ?", e.Hash, e.Chain, e.Seq)
}

func (v *altering) rehash() tampered {
	l := v.any()
	v.store(l.Index, altered(l.Entry))
	return tampered{what: "another verb, with its hash", at: l.Index}
}

func (v *altering) remove() tampered {
	l := v.any()
	if v.rnd.IntN(2) == 0 {
		v.do("DELETE FROM entries WHERE id = "+ofLeaf, l.Index)
		return tampered{what: "the entry", at: l.Index}
	}
	v.do("DELETE FROM leaves WHERE idx = ?", l.Index)
	return tampered{what: "its place", at: min(l.Index, tamperEntries-1)}
}

func (v *altering) removeClosing() tampered {
	at := int64(v.rnd.IntN(tamperEntries - 1))
	v.do("DELETE FROM packed_openings WHERE entry = "+ofLeaf, at)
	v.do("DELETE FROM entries WHERE id = "+ofLeaf, at)
	v.close(at)
	return tampered{what: "an entry and its place", at: at}
}

// close removes a place and moves those behind it.
func (v *altering) close(at int64) {
	v.Helper()
	v.do("DELETE FROM leaves WHERE idx = ?", at)
	v.do("UPDATE leaves SET idx = -idx WHERE idx > ?", at)
	v.do("UPDATE leaves SET idx = -idx - 1 WHERE idx < 0")
}

func (v *altering) insert() tampered {
	at := int64(v.rnd.IntN(tamperEntries))
	list, _, err := flows.Seal("req_forged", flows.ChainHead{}, []flows.Entry{{Verb: "approved", At: noon}}, func([]byte) {})
	if err != nil {
		v.Fatal(err)
	}
	e := list[0]
	v.do("INSERT INTO entries (id, chain, seq, at, verb, prev, hash, bytes) VALUES (9999, ?, 1, ?, ?, '', ?, ?)", e.Chain, e.At.UnixMilli(), e.Verb, e.Hash, string(e.Bytes))
	v.do("INSERT INTO chains (chain, len, hash) VALUES (?, 1, ?)", e.Chain, e.Hash)
	v.do("UPDATE leaves SET idx = -idx - 1 WHERE idx >= ?", at)
	v.do("UPDATE leaves SET idx = -idx WHERE idx < 0")
	v.do("INSERT INTO leaves (idx, entry) VALUES (?, 9999)", at)
	return tampered{what: "an entry of a chain of its own", at: at}
}

func (v *altering) swap() tampered {
	a, b := v.any().Index, v.any().Index
	for a == b {
		b = v.any().Index
	}
	v.do("UPDATE leaves SET entry = -entry WHERE idx IN (?, ?)", a, b)
	v.do("UPDATE leaves SET entry = (SELECT entry FROM whole.leaves WHERE idx = ?) WHERE idx = ?", b, a)
	v.do("UPDATE leaves SET entry = (SELECT entry FROM whole.leaves WHERE idx = ?) WHERE idx = ?", a, b)
	return tampered{what: fmt.Sprintf("%d and %d", a, b), at: min(a, b)}
}

// truncate takes the end away as if it had never been; the rest is whole.
func (v *altering) truncate() tampered {
	size := int64(v.rnd.IntN(tamperEntries))
	v.do("DELETE FROM packed_openings WHERE entry IN (SELECT entry FROM leaves WHERE idx >= ?)", size)
	v.do("DELETE FROM entries WHERE id IN (SELECT entry FROM leaves WHERE idx >= ?)", size)
	v.do("DELETE FROM leaves WHERE idx >= ?", size)
	v.do("DELETE FROM checkpoints WHERE size > ?", size)
	v.do("DELETE FROM tree WHERE (n + 1) * 256 > ?", size)
	v.do("DELETE FROM chains")
	v.do("INSERT INTO chains (chain, len, hash) SELECT chain, seq, hash FROM entries e WHERE seq = (SELECT max(seq) FROM entries WHERE chain = e.chain)")
	return tampered{what: fmt.Sprintf("to %d", size), at: size, signed: true}
}

func (v *altering) replay() tampered {
	i := 1 + v.rnd.IntN(len(v.heads)-1)
	old := v.heads[v.rnd.IntN(i)]
	v.do("UPDATE checkpoints SET note = ?, root = ? WHERE size = ?", old.Note, old.Root[:], v.heads[i].Size)
	return tampered{what: fmt.Sprintf("%d for %d", old.Size, v.heads[i].Size), at: v.heads[i].Size}
}

func (v *altering) forge() tampered {
	i := v.rnd.IntN(len(v.heads))
	c := v.heads[i]
	text := []byte(c.Note)
	if v.rnd.IntN(2) == 0 {
		private, _, err := audit.MakeKey(func(b []byte) { b[0] = byte(v.rnd.Uint32()) }, "acme.example/breakglass")
		if err != nil {
			v.Fatal(err)
		}
		other, _, err := audit.Signer(private)
		if err != nil {
			v.Fatal(err)
		}
		signed, err := audit.Sign(c.Size, c.Root, other)
		if err != nil {
			v.Fatal(err)
		}
		text = []byte(signed)
	} else {
		at := len(text) - 20 - v.rnd.IntN(40)
		text[at] = "ABCDEFGH"[(strings.IndexByte("ABCDEFGH", text[at])+1)%8]
	}
	v.do("UPDATE checkpoints SET note = ? WHERE size = ?", string(text), c.Size)
	return tampered{what: fmt.Sprintf("of %d", c.Size), at: c.Size}
}

func (v *altering) opening() tampered {
	l := v.any()
	all := slices.Clone(l.Entry.Openings)
	i := slices.IndexFunc(all, func(o flows.Opening) bool { return o.Path == "facts.reason" })
	what := []string{"value", "salt", "path", "gone", "all gone", "one more", "one more by itself", "a byte"}[v.rnd.IntN(8)]
	other := all[i]
	other.Path = "facts.other"
	switch what {
	case "value":
		all[i].Value += "!"
	case "salt":
		all[i].Salt = make([]byte, 16)
	case "path":
		all[i].Path = "facts.why"
	case "gone":
		all = slices.Delete(all, i, i+1)
	case "all gone":
		all = nil
	case "one more":
		all = append(all, other)
	case "one more by itself":
		v.do("INSERT INTO openings (entry, path, person, salt, value) SELECT entry, 'facts.other', 'T/UEVE', zeroblob(16), 'x' FROM leaves WHERE idx = ?", l.Index)
		return tampered{what: what, at: l.Index}
	}
	doc := pack.Openings(all)
	if what == "a byte" {
		doc = v.another(doc, func(u *pack.Unpacker, b []byte) (string, error) {
			got, err := u.Openings(b)
			return fmt.Sprint(got), err
		})
	}
	v.do("DELETE FROM packed_openings WHERE entry = "+ofLeaf, l.Index)
	if doc != nil {
		v.do("INSERT INTO packed_openings (entry, doc) SELECT entry, ? FROM leaves WHERE idx = ?", doc, l.Index)
	}
	return tampered{what: what, at: l.Index}
}

// packed is a byte of a packed entry.
func (v *altering) packed() tampered {
	l := v.any()
	e := l.Entry
	doc := v.another(pack.Entry(e.Chain, e.At.UnixMilli(), e.Bytes), func(u *pack.Unpacker, b []byte) (string, error) {
		got, err := u.Entry(nil, []byte(e.Chain), e.At.UnixMilli(), b)
		return string(got), err
	})
	v.do("UPDATE entries SET packed = ? WHERE id = "+ofLeaf, doc, l.Index)
	return tampered{what: "a byte of what is packed", at: l.Index}
}

// another is something packed with another byte somewhere, so that it says something else,
// or nothing.
func (v *altering) another(doc []byte, says func(*pack.Unpacker, []byte) (string, error)) []byte {
	v.Helper()
	var u pack.Unpacker
	before, err := says(&u, doc)
	if err != nil {
		v.Fatal(err)
	}
	for {
		b := bytes.Clone(doc)
		b[v.rnd.IntN(len(b))] ^= byte(1 + v.rnd.IntN(255))
		if after, err := says(&u, b); err != nil || after != before {
			return b
		}
	}
}

func (v *altering) node() tampered {
	v.do([]string{"UPDATE tree SET hash = randomblob(32)", "DELETE FROM tree", "UPDATE tree SET n = 1"}[v.rnd.IntN(3)])
	return tampered{what: "the hash over the first 256", at: int64(v.rnd.IntN(256))}
}

func (v *altering) head() tampered {
	l := v.any()
	set := []string{"UPDATE chains SET len = len - 1 WHERE chain = ?", "UPDATE chains SET hash = prev FROM entries WHERE entries.chain = chains.chain AND seq = len AND chains.chain = ?", "DELETE FROM chains WHERE chain = ?"}[v.rnd.IntN(3)]
	v.do(set, l.Entry.Chain)
	return tampered{what: set, at: -1, names: l.Entry.Chain}
}

// resigned is an attacker who holds the database and the signing key: an entry is
// another one, and everything that follows from it is made anew.
func (v *altering) resigned() tampered {
	at := v.any().Index
	prev := map[string]string{}
	for i := at; i < tamperEntries; i++ {
		e := v.leaves[i].Entry
		switch now, changed := prev[e.Chain]; {
		case i == at:
			e = altered(e)
		case changed:
			e.Bytes = bytes.Replace(e.Bytes, []byte(`"prev":"`+e.Prev+`"`), []byte(`"prev":"`+now+`"`), 1)
			e.Prev = now
			e = rehashed(e)
		default:
			continue
		}
		prev[e.Chain] = e.Hash
		v.store(i, e)
	}
	v.signAnew(tamperEntries)
	return tampered{what: "an entry of many", at: at, signed: true}
}

// removeSigned is the same attacker, who takes out a whole request.
func (v *altering) removeSigned() tampered {
	l := v.any()
	at, gone := int64(-1), int64(0)
	for i, other := range v.leaves {
		if other.Entry.Chain != l.Entry.Chain {
			continue
		}
		if at < 0 {
			at = int64(i)
		}
		v.close(int64(i) - gone)
		gone++
	}
	v.do("DELETE FROM packed_openings WHERE entry IN (SELECT id FROM entries WHERE chain = ?)", l.Entry.Chain)
	v.do("DELETE FROM entries WHERE chain = ?", l.Entry.Chain)
	v.do("DELETE FROM chains WHERE chain = ?", l.Entry.Chain)
	v.signAnew(tamperEntries - gone)
	return tampered{what: l.Entry.Chain, at: at, signed: true}
}

// signAnew makes the tree and every checkpoint anew.
func (v *altering) signAnew(size int64) {
	v.Helper()
	v.do("DELETE FROM tree")
	v.do("DELETE FROM checkpoints")
	v.do("COMMIT")
	v.do("BEGIN")
	g, err := audit.Growth(v.Context(), still{v.st}, nil, noon)
	if err != nil {
		v.Fatal(err)
	}
	for _, n := range g.Nodes {
		v.do("INSERT INTO tree (level, n, hash) VALUES (?, ?, ?)", n.Level, n.N, n.Hash[:])
	}
	v.do("COMMIT")
	v.do("BEGIN")
	for i, c := range v.heads {
		if i == len(v.heads)-1 {
			c.Size = size
		}
		root, err := audit.Root(v.Context(), v.st, c.Size)
		if err != nil {
			v.Fatal(err)
		}
		signed, err := audit.Sign(c.Size, root, v.signer)
		if err != nil {
			v.Fatal(err)
		}
		v.do("INSERT INTO checkpoints (size, root, at, note) VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING", c.Size, root[:], signed)
	}
}

// still is a store in which nothing waits.
type still struct{ *store.Store }

func (still) Sequence(context.Context, int) (int, error) { return 0, nil }
