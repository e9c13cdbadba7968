package audit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"breakglass/flows"
	"breakglass/flows/audit"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// shelf is a log in memory, as a store keeps it.
type shelf struct {
	leaves  []flows.Leaf
	waiting []flows.Leaf
	nodes   map[[2]int64][32]byte
	heads   []flows.Checkpoint
	random  func([]byte)
	ends    map[string]flows.ChainHead
	signer  note.Signer
	public  string
	now     time.Time
}

func newShelf(t testing.TB) *shelf {
	t.Helper()
	s := &shelf{nodes: map[[2]int64][32]byte{}, ends: map[string]flows.ChainHead{}, random: seeded(7), now: noon}
	private, public, err := audit.MakeKey(s.random, "acme.example/breakglass")
	if err != nil {
		t.Fatal(err)
	}
	if s.signer, s.public, err = audit.Signer(private); err != nil || s.public != public {
		t.Fatalf("the public key is %s, then %s, %v", public, s.public, err)
	}
	return s
}

// seeded is a source of bytes that are the same in every run.
func seeded(seed uint64) func([]byte) {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	return func(b []byte) { _, _ = r.Read(b) }
}

// write writes an entry about as long as a decision's, with five personal values.
func (s *shelf) write(t testing.TB, chain, verb string, facts map[string]any) {
	t.Helper()
	dana := flows.PersonID("T0ACME/UDANA")
	if facts == nil {
		facts = map[string]any{
			"reason":   flows.Personal{About: dana, Value: "the database is down: \"disk\nfull\" \u2028 😀"},
			"name":     flows.Personal{About: dana, Value: "Dana Doe"},
			"email":    flows.Personal{About: dana, Value: "dana@acme.example"},
			"incident": map[string]any{"id": "QINC0001", "number": int64(4711), "title": flows.Personal{Value: "replica lag"}},
			"hash":     "b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1", "flow": "prod", "target": "production_database", "level": int64(1),
		}
	}
	list, head, err := flows.Seal(chain, s.ends[chain], []flows.Entry{{
		Verb: verb, From: flows.StatePending, To: flows.StateApproved, At: s.now, Facts: facts,
		Actor: flows.Actor{Person: dana, Door: flows.DoorSlack, Standing: "on_call", Trace: "C0PROD/1700000000.000100"},
	}}, s.random)
	if err != nil {
		t.Fatal(err)
	}
	s.ends[chain] = head
	s.now = s.now.Add(time.Second)
	s.waiting = append(s.waiting, flows.Leaf{Entry: list[0]})
}

// grow is the job: what waits gets its places and is signed for.
func (s *shelf) grow(t testing.TB) {
	t.Helper()
	g, err := audit.Growth(context.Background(), s, s.signer, s.now)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		s.nodes[[2]int64{int64(n.Level), n.N}] = n.Hash
	}
	if g.Checkpoint != nil {
		s.heads = append(s.heads, *g.Checkpoint)
	}
}

// fill writes n entries in chains of four and signs now and then.
func (s *shelf) fill(t testing.TB, n, every int) *shelf {
	t.Helper()
	for i := range n {
		s.write(t, fmt.Sprintf("req_%05d", (i/8)*2+i%2), "approved", nil)
		if (i+1)%every == 0 {
			s.grow(t)
		}
	}
	s.grow(t)
	return s
}

func (s *shelf) Sequence(_ context.Context, limit int) (int, error) {
	n := min(limit, len(s.waiting))
	for _, l := range s.waiting[:n] {
		l.Index = int64(len(s.leaves))
		s.leaves = append(s.leaves, l)
	}
	s.waiting = s.waiting[n:]
	return n, nil
}

func (s *shelf) Waiting(context.Context) (int, time.Time, error) {
	if len(s.waiting) == 0 {
		return 0, time.Time{}, nil
	}
	return len(s.waiting), s.waiting[0].Entry.At, nil
}

func (s *shelf) TreeSize(context.Context) (int64, error) { return int64(len(s.leaves)), nil }

func (s *shelf) TreeBlocks(context.Context) (int64, error) {
	n := int64(0)
	for k := range s.nodes {
		if k[0] == flows.TreeBlockLevel {
			n++
		}
	}
	return n, nil
}

func (s *shelf) LeafHashes(_ context.Context, from, to int64) (out [][32]byte, err error) {
	for _, l := range s.leaves[min(from, int64(len(s.leaves))):min(to, int64(len(s.leaves)))] {
		out = append(out, flows.LeafHash(l.Entry.Bytes))
	}
	return out, nil
}

func (s *shelf) TreeNode(_ context.Context, level int, n int64) ([32]byte, error) {
	h, ok := s.nodes[[2]int64{int64(level), n}]
	if !ok {
		return h, flows.ErrNotFound
	}
	return h, nil
}

func (s *shelf) LeafOf(_ context.Context, chain string, seq int64) (int64, error) {
	for _, l := range s.leaves {
		if l.Entry.Chain == chain && l.Entry.Seq == seq {
			return l.Index, nil
		}
	}
	return 0, flows.ErrNotFound
}

func (s *shelf) LastCheckpoint(context.Context) (flows.Checkpoint, error) {
	if len(s.heads) == 0 {
		return flows.Checkpoint{}, flows.ErrNotFound
	}
	return s.heads[len(s.heads)-1], nil
}

func (s *shelf) ReadLeaves(_ context.Context, from, to int64, into *flows.LeafPage) error {
	into.Clear()
	for _, l := range s.leaves[from:min(to, int64(len(s.leaves)))] {
		e := &l.Entry
		row := flows.LeafRow{
			Index: l.Index, Seq: e.Seq, At: e.At.UnixMilli(), Chain: into.Keep([]byte(e.Chain)), Verb: into.Keep([]byte(e.Verb)),
			Prev: into.Keep([]byte(e.Prev)), Hash: into.Keep([]byte(e.Hash)), Bytes: into.Keep(e.Bytes), Openings: into.Openings(len(e.Openings)),
		}
		for _, o := range e.Openings {
			row.Openings = append(row.Openings, flows.OpeningRow{
				Path: into.Keep([]byte(o.Path)), About: into.Keep([]byte(o.About)), Salt: into.Keep(o.Salt), Value: into.Keep([]byte(o.Value)),
			})
		}
		into.Rows = append(into.Rows, row)
	}
	return nil
}

func (s *shelf) Checkpoints(_ context.Context, after int64, limit int) (out []flows.Checkpoint, err error) {
	for _, c := range s.heads {
		if c.Size > after && len(out) < limit {
			out = append(out, c)
		}
	}
	return out, nil
}

// keys are the pinned keys of the shelf.
func (s *shelf) keys(t testing.TB) note.Verifiers {
	t.Helper()
	keys, err := audit.Keys(s.public)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// verify verifies a log with the shelf's key, against checkpoints that were kept outside.
func (s *shelf) verify(t testing.TB, log audit.Log, kept ...flows.Checkpoint) *audit.Report {
	t.Helper()
	o := audit.Options{Keys: s.keys(t)}
	for _, c := range kept {
		o.Witnessed = append(o.Witnessed, audit.Witnessed{Note: c.Note, Where: fmt.Sprintf("the wall (%d)", c.Size)})
	}
	r, err := audit.Verify(t.Context(), log, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
