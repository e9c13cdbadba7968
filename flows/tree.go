package flows

import "time"

// Leaf is an audit entry at its place in the tree: places count from 0, are given once
// and never change.
type Leaf struct {
	Index int64
	Entry Sealed
}

// TreeBlock is how many leaves the smallest subtree has whose hash is stored; what is
// below it is made from the entries' own hashes.
const (
	TreeBlockLevel = 8
	TreeBlock      = 1 << TreeBlockLevel
)

// TreeNode is the hash over a complete subtree: the 2^Level leaves from N·2^Level on.
type TreeNode struct {
	Level int
	N     int64
	Hash  [32]byte
}

// Checkpoint is a signed head of the tree: it fixes the first Size entries, in their
// order, for good.
type Checkpoint struct {
	Size int64
	Root [32]byte
	At   time.Time // when it was signed, by our clock; not part of what is signed
	Note string    // the signed note as it is published
}

// Witness is a place outside the database that has a checkpoint.
type Witness struct {
	Kind  string // "slack", "file", "webhook", "note"
	Size  int64  // of the checkpoint
	Place string // "C0AUDIT/1700000000.000100", an address, an incident
	At    time.Time
}

// TreeGrowth is what an outcome adds to the tree: hashes of subtrees that became
// complete, a checkpoint, a place that has one. All of it is only ever added.
type TreeGrowth struct {
	Nodes      []TreeNode
	Checkpoint *Checkpoint // of more entries than the last one: ErrConflict otherwise
	Witness    *Witness
}
