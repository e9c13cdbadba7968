package storetest

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// Tree is what a store with a database has besides: the tree over the entries.
type Tree interface {
	Sequence(ctx context.Context, limit int) (int, error)
	TreeSize(ctx context.Context) (int64, error)
	TreeBlocks(ctx context.Context) (int64, error)
	Waiting(ctx context.Context) (int, time.Time, error)
	LeafHashes(ctx context.Context, from, to int64) ([][32]byte, error)
	Leaves(ctx context.Context, from, to int64) ([]flows.Leaf, error)
	LeafOf(ctx context.Context, chain string, seq int64) (int64, error)
	TreeNode(ctx context.Context, level int, n int64) ([32]byte, error)
	LastCheckpoint(ctx context.Context) (flows.Checkpoint, error)
	Checkpoints(ctx context.Context, after int64, limit int) ([]flows.Checkpoint, error)
	LastWitness(ctx context.Context, kind string) (flows.Witness, error)
	VerifyHeads(ctx context.Context) error
}

func treeCases() []contractCase {
	return []contractCase{
		{"Tree/Places", treePlaces},
		{"Tree/PlacesAmongWriters", treeAmongWriters},
		{"Tree/NodesAndCheckpoints", treeNodes},
		{"Tree/Witnesses", treeWitnesses},
		{"Tree/SchemaRefuses", treeRefuses},
	}
}

// tree is the store's tree; a store without one is skipped.
func (f *fixture) tree() Tree {
	f.Helper()
	t, ok := f.s.(Tree)
	if !ok {
		f.Skip("this store has no tree")
	}
	return t
}

// notes writes n entries onto a chain.
func (f *fixture) notes(chain string, n int) []flows.Sealed {
	f.Helper()
	head, err := f.s.ChainHead(f.ctx, chain)
	f.is(err, nil)
	list, _ := f.seal(chain, head, n)
	f.apply(flows.Change{Chain: chain, Entries: list})
	return list
}

func treePlaces(f *fixture) {
	t := f.tree()
	_, err := t.LeafOf(f.ctx, "a", 1)
	f.is(err, flows.ErrNotFound)
	all := append(f.notes("a", 3), f.notes("b", 2)...)
	n, since, err := t.Waiting(f.ctx)
	f.is(err, nil)
	f.same(5, n)
	f.same(noon, since)
	for _, want := range []int{2, 2, 1, 0} {
		got, err := t.Sequence(f.ctx, 2)
		f.is(err, nil)
		f.same(want, got)
	}
	all = append(all, f.notes("a", 1)...)
	if got, err := t.Sequence(f.ctx, 100); err != nil || got != 1 {
		f.Fatalf("took %d, %v", got, err)
	}
	leaves, err := t.Leaves(f.ctx, 0, 100)
	f.is(err, nil)
	var entries []flows.Sealed
	for i, l := range leaves {
		f.same(int64(i), l.Index)
		entries = append(entries, l.Entry)
	}
	f.same(all, entries)
	hashes, err := t.LeafHashes(f.ctx, 1, 4)
	f.is(err, nil)
	f.same(3, len(hashes))
	f.same(all[1].Hash, hex.EncodeToString(hashes[0][:]))
	at, err := t.LeafOf(f.ctx, "a", 4)
	f.is(err, nil)
	f.same(int64(5), at)
	n, _, err = t.Waiting(f.ctx)
	f.is(err, nil)
	f.same(0, n)
	f.is(t.VerifyHeads(f.ctx), nil)
}

// treeAmongWriters: writers and two that give places, all at once. Every entry gets one
// place, in the order of its chain, and nobody fails.
func treeAmongWriters(f *fixture) {
	const writers, each = 6, 10
	t := f.tree()
	var writing, placing sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		placing.Go(func() {
			for last := false; ; {
				n, err := t.Sequence(f.ctx, 7)
				if err != nil {
					f.Errorf("give places: %v", err)
					return
				}
				if last && n == 0 {
					return
				}
				select {
				case <-done:
					last = true
				default:
				}
			}
		})
	}
	for w := range writers {
		chain := fmt.Sprintf("chain_%d", w)
		list, _, err := flows.Seal(chain, flows.ChainHead{}, make([]flows.Entry, each), counting())
		f.is(err, nil)
		writing.Go(func() {
			for _, e := range list {
				if _, err := f.s.Apply(f.ctx, flows.Change{Chain: chain, Entries: []flows.Sealed{e}}); err != nil {
					f.Errorf("write: %v", err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(done)
	placing.Wait()
	leaves, err := t.Leaves(f.ctx, 0, 1000)
	f.is(err, nil)
	f.same(writers*each, len(leaves))
	ends := map[string]int64{}
	for i, l := range leaves {
		if l.Index != int64(i) || l.Entry.Seq != ends[l.Entry.Chain]+1 {
			f.Fatalf("entry %d of %s has the place %d, after its entry %d, and stands at %d", l.Entry.Seq, l.Entry.Chain, l.Index, ends[l.Entry.Chain], i)
		}
		ends[l.Entry.Chain] = l.Entry.Seq
	}
	f.is(t.VerifyHeads(f.ctx), nil)
}

func treeNodes(f *fixture) {
	t := f.tree()
	f.notes("a", 4)
	if _, err := t.Sequence(f.ctx, 100); err != nil {
		f.Fatal(err)
	}
	_, err := t.LastCheckpoint(f.ctx)
	f.is(err, flows.ErrNotFound)
	_, err = t.TreeNode(f.ctx, 8, 0)
	f.is(err, flows.ErrNotFound)
	node := flows.TreeNode{Level: 8, N: 0, Hash: [32]byte{1, 2, 3}}
	first := flows.Checkpoint{Size: 2, Root: [32]byte{9}, At: noon, Note: "log\n2\n…\n\n— log …\n"}
	grow := flows.Change{Tree: &flows.TreeGrowth{Nodes: []flows.TreeNode{node}, Checkpoint: &first}}
	f.apply(grow)
	hash, err := t.TreeNode(f.ctx, 8, 0)
	f.is(err, nil)
	f.same(node.Hash, hash)
	blocks, err := t.TreeBlocks(f.ctx)
	f.is(err, nil)
	f.same(int64(1), blocks)
	f.refused(grow, flows.ErrConflict)
	smaller := first
	smaller.Size = 1
	f.refused(flows.Change{Tree: &flows.TreeGrowth{Checkpoint: &smaller}}, flows.ErrConflict)
	beyond := first
	beyond.Size = 5
	f.refused(flows.Change{Tree: &flows.TreeGrowth{Checkpoint: &beyond}}, nil)
	second := flows.Checkpoint{Size: 4, Root: [32]byte{8}, At: noon.Add(time.Minute), Note: "log\n4\n…\n\n— log …\n"}
	f.apply(flows.Change{Tree: &flows.TreeGrowth{Nodes: []flows.TreeNode{node}, Checkpoint: &second}})
	last, err := t.LastCheckpoint(f.ctx)
	f.is(err, nil)
	f.same(second, last)
	all, err := t.Checkpoints(f.ctx, 0, 10)
	f.is(err, nil)
	f.same([]flows.Checkpoint{first, second}, all)
	all, err = t.Checkpoints(f.ctx, 2, 1)
	f.is(err, nil)
	f.same([]flows.Checkpoint{second}, all)
}

func treeWitnesses(f *fixture) {
	t := f.tree()
	f.notes("a", 2)
	if _, err := t.Sequence(f.ctx, 100); err != nil {
		f.Fatal(err)
	}
	_, err := t.LastWitness(f.ctx, "slack")
	f.is(err, flows.ErrNotFound)
	for size := int64(1); size <= 2; size++ {
		c := flows.Checkpoint{Size: size, At: noon, Note: "x"}
		w := flows.Witness{Kind: "slack", Size: size, Place: fmt.Sprintf("C0/%d", size), At: noon}
		f.apply(flows.Change{Tree: &flows.TreeGrowth{Checkpoint: &c}})
		f.apply(flows.Change{Tree: &flows.TreeGrowth{Witness: &w}})
		f.apply(flows.Change{Tree: &flows.TreeGrowth{Witness: &w}})
		got, err := t.LastWitness(f.ctx, "slack")
		f.is(err, nil)
		f.same(w, got)
	}
	_, err = t.LastWitness(f.ctx, "file")
	f.is(err, flows.ErrNotFound)
}

// treeRefuses is what no program may do to the tree.
func treeRefuses(f *fixture) {
	db, t := f.raw(), f.tree()
	f.notes("a", 3)
	if _, err := t.Sequence(f.ctx, 2); err != nil {
		f.Fatal(err)
	}
	c := flows.Checkpoint{Size: 2, At: noon, Note: "x"}
	w := flows.Witness{Kind: "slack", Size: 2, Place: "C0/1", At: noon}
	f.apply(flows.Change{Tree: &flows.TreeGrowth{Nodes: []flows.TreeNode{{Level: 8}}, Checkpoint: &c, Witness: &w}})
	checkpoint := "INSERT INTO checkpoints (size, root, at, note) SELECT %d, root, at, note FROM checkpoints"
	for statement, why := range map[string]string{
		"UPDATE leaves SET entry = entry":               "append-only",
		"DELETE FROM leaves":                            "append-only",
		"INSERT INTO leaves (idx, entry) VALUES (7, 3)": "no gap",
		"UPDATE tree SET n = 1":                         "append-only",
		"DELETE FROM tree":                              "append-only",
		"UPDATE checkpoints SET note = 'y'":             "append-only",
		"DELETE FROM checkpoints":                       "append-only",
		fmt.Sprintf(checkpoint, 1):                      "than the one before",
		fmt.Sprintf(checkpoint, 9):                      "than the one before",
		"UPDATE witnesses SET place = 'y'":              "append-only",
		"DELETE FROM witnesses":                         "append-only",
		"DELETE FROM unsequenced":                       "until it has its place",
		"UPDATE unsequenced SET entry = 9":              "until it has its place",
		"INSERT INTO leaves (idx, entry) SELECT 2, max(entry) - 1 FROM leaves": "unique",
	} {
		if err := undone(f, db, statement); err == nil || !strings.Contains(strings.ToLower(err.Error()), why) {
			f.Errorf("%s\n\t%v, want it refused with %q", statement, err, why)
		}
	}
}
