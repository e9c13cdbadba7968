package audit_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"breakglass/flows"
	"breakglass/flows/audit"
)

// TestTreeIsTlogs holds roots and proofs to package tlog's own, which stores every hash.
func TestTreeIsTlogs(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 1100, 97)
	var all []tlog.Hash
	full := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, all[i])
		}
		return out, nil
	})
	for i, l := range s.leaves {
		more, err := tlog.StoredHashes(int64(i), l.Entry.Bytes, full)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, more...)
	}
	for _, size := range []int64{1, 2, 255, 256, 257, 511, 512, 768, 1000, 1024, 1100} {
		want, err := tlog.TreeHash(size, full)
		if err != nil {
			t.Fatal(err)
		}
		got, err := audit.Root(t.Context(), s, size)
		if err != nil || got != want {
			t.Errorf("the root of %d entries is %s, %v, want %s", size, got, err, want)
		}
		for _, i := range []int64{0, size / 3, size - 1} {
			p, err := audit.ProveEntry(t.Context(), s, size, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(p, size, want, i, tlog.RecordHash(s.leaves[i].Entry.Bytes)); err != nil {
				t.Errorf("the proof of entry %d of %d: %v", i, size, err)
			}
		}
		old, _ := tlog.TreeHash(size/2+1, full)
		if size/2+1 <= size {
			p, err := audit.ProveGrowth(t.Context(), s, size, size/2+1)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckTree(p, size, want, size/2+1, old); err != nil {
				t.Errorf("the proof that %d entries begin with %d: %v", size, size/2+1, err)
			}
		}
	}
	if n, _ := s.TreeBlocks(t.Context()); n != 4 || len(s.nodes) != 7 {
		t.Errorf("%d blocks and %d hashes are kept of 1,100 entries, want 4 and 7", n, len(s.nodes))
	}
}

func TestVerifyWhatIsWhole(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 700, 31)
	for i := range 5 {
		s.write(t, "system", "note", map[string]any{"n": int64(i)})
	}
	if _, err := s.Sequence(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	r := s.verify(t, audit.Live(s), s.heads[3], s.heads[10])
	if !r.OK() {
		t.Fatalf("found %v", r.Findings)
	}
	if r.Entries != 705 || r.Signed != 700 || r.Witnessed != s.heads[10].Size || int(r.Checkpoints) != len(s.heads) || r.Openings != 700*5+5 {
		t.Errorf("%+v", r)
	}
	limits := strings.Join(r.Limits(), "\n")
	for _, want := range []string{"last 5 entries are younger than the last checkpoint", "last 359 signed entries are younger than the last witnessed", "wrote the truth"} {
		if !strings.Contains(limits, want) {
			t.Errorf("the limits do not say %q:\n%s", want, limits)
		}
	}
	var file bytes.Buffer
	if n, err := audit.Export(t.Context(), &file, audit.Live(s), nil); err != nil || n != 705 {
		t.Fatalf("exported %d, %v", n, err)
	}
	again := s.verify(t, audit.Exported(&file), s.heads[3], s.heads[10])
	if !again.OK() || again.Entries != r.Entries || again.Signed != r.Signed || again.Openings != r.Openings {
		t.Errorf("the export verifies as %+v", again)
	}
}

func TestVerifyWithoutAKey(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 20, 7)
	r, err := audit.Verify(t.Context(), audit.Live(s), audit.Options{})
	if err != nil || !r.OK() || r.Signed != 0 || !strings.Contains(r.Limits()[0], "No checkpoint was checked against a key") {
		t.Errorf("%+v, %v", r, err)
	}
	other := newShelf(t)
	private, public, err := audit.MakeKey(seeded(9), "other.example")
	if err != nil {
		t.Fatal(err)
	}
	if other.signer, other.public, err = audit.Signer(private); err != nil || other.public != public {
		t.Fatal(err)
	}
	other.leaves, other.heads = s.leaves, s.heads
	if r := other.verify(t, audit.Live(s)); r.OK() || !strings.Contains(r.First().What, "not signed by the key") {
		t.Errorf("with another key: %v", r.Findings)
	}
}

func TestErasedIsSaid(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 16, 8)
	s.leaves[3].Entry.Openings = nil
	r := s.verify(t, audit.Live(s))
	if f := r.First(); r.OK() || f.From != 3 || !strings.Contains(f.What, "no entry says that it was erased") {
		t.Fatalf("an opening that is gone: %v", r.Findings)
	}
	e := s.leaves[3].Entry
	var gone []any
	for _, path := range []string{"actor.person", "facts.email", "facts.incident.title", "facts.name", "facts.reason"} {
		gone = append(gone, e.Chain+"/2/"+path)
	}
	s.write(t, "system", audit.VerbErased, map[string]any{"openings": gone})
	s.grow(t)
	r = s.verify(t, audit.Live(s))
	if !r.OK() || r.Erased["entry 1 of system"] != 5 {
		t.Errorf("%+v", r)
	}
}

func TestGrowthRefusesToSignAnotherTree(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 40, 20)
	if err := audit.Standing(t.Context(), s, s.keys(t)); err != nil {
		t.Fatal(err)
	}
	s.leaves[5].Entry.Bytes = bytes.Replace(s.leaves[5].Entry.Bytes, []byte("approved"), []byte("denied"), 1)
	s.write(t, "system", "note", nil)
	if _, err := audit.Growth(t.Context(), s, s.signer, noon); err == nil || !strings.Contains(err.Error(), "its first 40 entries are others") {
		t.Errorf("signed a tree that was altered: %v", err)
	}
	if err := audit.Standing(t.Context(), s, s.keys(t)); err == nil || !strings.Contains(err.Error(), "audit verify") {
		t.Errorf("a tree that was altered stands: %v", err)
	}
}

func TestProve(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 300, 70)
	hash := func(text string) (h tlog.Hash) {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil || copy(h[:], b) != tlog.HashSize {
			t.Fatalf("%q is no hash", text)
		}
		return h
	}
	all := func(texts []string) (out []tlog.Hash) {
		for _, text := range texts {
			out = append(out, hash(text))
		}
		return out
	}
	p, err := audit.Prove(t.Context(), s, audit.Claim{Chain: "req_00010", Seq: 3, From: 140})
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckRecord(all(p.Inclusion), p.Size, hash(p.Root), p.Leaf, tlog.RecordHash(s.leaves[p.Leaf].Entry.Bytes)); err != nil {
		t.Error(err)
	}
	if err := tlog.CheckTree(all(p.Growth), p.Size, hash(p.Root), 140, s.heads[1].Root); err != nil {
		t.Error(err)
	}
	signed := s.heads[1].Size
	for _, size := range []int64{signed, 299, p.Leaf + 1} { // a checkpoint, and two sizes that no checkpoint has
		p, err := audit.Prove(t.Context(), s, audit.Claim{Chain: "req_00010", Seq: 3, From: 17, Size: size})
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(all(p.Inclusion), size, hash(p.Root), p.Leaf, tlog.RecordHash(s.leaves[p.Leaf].Entry.Bytes)); err != nil {
			t.Error(err)
		}
		if err := tlog.CheckTree(all(p.Growth), size, hash(p.Root), 17, hash(p.FromRoot)); err != nil {
			t.Error(err)
		}
		if (p.Checkpoint != "") != (size == signed) || (p.Checkpoint != "") == p.At.IsZero() {
			t.Errorf("the tree of %d has the checkpoint %q of %s", size, p.Checkpoint, p.At)
		}
	}
	s.write(t, "system", "note", nil)
	if _, err := s.Sequence(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []audit.Claim{
		{Chain: "req_00010", Seq: 9}, {Chain: "system", Seq: 1}, {Chain: "req_00010", Seq: 3, From: 301}, {Chain: "req_00010", Seq: 3, From: -1},
		{Size: 301, From: 2}, {Size: -1, From: 2}, {Chain: "req_00010", Seq: 3, Size: p.Leaf}, {Size: 10, From: 11},
	} {
		if _, err := audit.Prove(t.Context(), s, c); !errors.Is(err, flows.ErrNotFound) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "x", "PRIVATE+KEY+a+b+c", "PRIVATE+KEY+acme+00000000+AQ=="} {
		if _, _, err := audit.Signer(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q as a key: %v", bad, err)
		}
	}
	if _, err := audit.Keys("nonsense"); err == nil {
		t.Error("nonsense is a public key")
	}
	for _, text := range []string{"", "a\n", "a\n1\n", "a\n01\nAAAA\n", "\n1\n" + strings.Repeat("A", 43) + "=\n", "a\n-1\n" + strings.Repeat("A", 43) + "=\n"} {
		if h, err := audit.ParseHead(text); err == nil {
			t.Errorf("%q is read as %+v", text, h)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	s := newShelf(b).fill(b, 20_000, 500)
	var file bytes.Buffer
	if _, err := audit.Export(b.Context(), &file, audit.Live(s), nil); err != nil {
		b.Fatal(err)
	}
	keys := s.keys(b)
	for name, log := range map[string]func() audit.Log{
		"entries": func() audit.Log { return audit.Live(s) },
		"export":  func() audit.Log { return audit.Exported(bytes.NewReader(file.Bytes())) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := audit.Verify(context.Background(), log(), audit.Options{Keys: keys})
				if err != nil || !r.OK() {
					b.Fatal(err, r)
				}
			}
			b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(len(s.leaves[0].Entry.Bytes)), "B/entry")
		})
	}
}

var (
	_ audit.Archive  = (*shelf)(nil)
	_ audit.Ground   = (*shelf)(nil)
	_ audit.Provable = (*shelf)(nil)
)
