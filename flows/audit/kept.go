package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"breakglass/flows"
)

// KeptHashes tells of the hashes that a store keeps of a level of the tree, from one up to,
// not including, another, in their order. The slice is good until each returns.
type KeptHashes func(ctx context.Context, level int, from, to int64, each func(n int64, hash []byte)) error

// kept holds the hashes that a store keeps to those that the leaves make, which come in the
// order of the blocks that complete them.
type kept struct {
	read   KeptHashes
	find   func(Finding)
	levels [64]keptLevel
	seen   int64     // how many blocks are under the last that was there
	absent []subtree // of blocks after these
	err    error     // the store could not be read
}

// keptLevel is what was read ahead of one level.
type keptLevel struct {
	from   int64
	hashes []keptHash
}

type keptHash struct {
	there bool
	hash  tlog.Hash
}

// subtree is one that the leaves complete.
type subtree struct {
	level int
	n     int64
	hash  tlog.Hash
}

// blocks is how many blocks there are up to its end.
func (s subtree) blocks() int64 { return (s.n + 1) << (s.level - flows.TreeBlockLevel) }

// keptAtOnce is how many hashes of the lowest level are read at a time: a question for each
// would be one for 128 entries, and each is waited for.
const keptAtOnce = 256

// hold holds the next hash. A tree that grows meanwhile has none yet of its last blocks: one
// that is not there was removed if that of a later block is there, or is signed.
func (k *kept) hold(ctx context.Context, level int, n int64, hash tlog.Hash) {
	s := subtree{level, n, hash}
	have := k.ahead(ctx, s)
	if !have.there {
		if have = k.now(ctx, s); !have.there {
			k.absent = append(k.absent, s)
			k.missed(ctx, k.seen)
			return
		}
	}
	k.same(s, have)
	k.seen = s.blocks()
	k.missed(ctx, k.seen)
}

// missed holds those of so many blocks that were not there once more, now that they have to be.
func (k *kept) missed(ctx context.Context, blocks int64) {
	for len(k.absent) > 0 && k.absent[0].blocks() <= blocks {
		s := k.absent[0]
		k.absent = k.absent[1:]
		if have := k.now(ctx, s); have.there {
			k.same(s, have)
		} else if k.err == nil {
			k.say(s, "the stored hash over these entries is gone")
		}
	}
}

func (k *kept) same(s subtree, have keptHash) {
	if have.hash != s.hash {
		k.say(s, "the stored hash over these entries is another: they, or it, were altered")
	}
}

func (k *kept) say(s subtree, what string) {
	k.find(Finding{From: s.n << s.level, To: (s.n+1)<<s.level - 1, What: what})
}

// ahead is a hash as it was when it and those after it were read.
func (k *kept) ahead(ctx context.Context, s subtree) keptHash {
	l := &k.levels[s.level]
	if at := s.n - l.from; at < int64(len(l.hashes)) { // they come in order
		return l.hashes[at]
	}
	l.from, l.hashes = s.n, make([]keptHash, max(keptAtOnce>>(s.level-flows.TreeBlockLevel), 1))
	k.into(ctx, s.level, l)
	return l.hashes[0]
}

// now is a hash as it is now.
func (k *kept) now(ctx context.Context, s subtree) keptHash {
	var one [1]keptHash
	k.into(ctx, s.level, &keptLevel{s.n, one[:]})
	return one[0]
}

func (k *kept) into(ctx context.Context, level int, l *keptLevel) {
	if k.err != nil {
		return
	}
	err := k.read(ctx, level, l.from, l.from+int64(len(l.hashes)), func(n int64, hash []byte) {
		to := &l.hashes[n-l.from]
		to.there = true
		if len(hash) == len(to.hash) { // another is none
			copy(to.hash[:], hash)
		}
	})
	if err != nil {
		k.err = fmt.Errorf("read hashes of level %d of the tree: %w", level, err)
	}
}
