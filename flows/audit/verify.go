package audit

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"breakglass/flows"
)

// Witnessed is a checkpoint that somebody outside kept.
type Witnessed struct {
	Note  string // as it was signed
	Head  *Head  // or what a note on an incident says of one, without the signature
	Where string // "checkpoint.txt", "Slack C0AUDIT/…"
}

// Options say what a log is verified against.
type Options struct {
	Keys      note.Verifiers // the pinned public keys; nil: signatures are not checked
	Witnessed []Witnessed
	// Kept reads the hashes that the store keeps, to hold them to the leaves; nil: none are kept.
	Kept KeptHashes
	// Heads tells of each chain how many entries it should have, and the hash of the last in
	// hexadecimal digits, to hold the chains to it; nil: nobody knows.
	Heads func(ctx context.Context, each func(chain []byte, entries int64, hash []byte)) error
	// Entry is given each entry that the log has, as it passes by, in its order; nil: nobody.
	Entry func(*flows.LeafRow)
	// Progress is told, now and then, how many entries were read; nil: nobody.
	Progress func(entries int64)
}

// Verify reads a log from its first entry to its last and reports whatever is not as it
// was signed: an entry whose bytes, hash or columns do not fit, a link or a place that
// is missing or doubled, an opening that opens nothing, a checkpoint that is not signed
// or is of another tree. It returns an error only if the log cannot be read.
func Verify(ctx context.Context, log Log, o Options) (*Report, error) {
	v := newVerifier(ctx, o)
	look := func(b *batch) { b.check(o.Keys) }
	err := walk(ctx, log, asFastAsItGoes(), look, func(b *batch) error {
		for i := range b.items {
			v.take(&b.items[i])
			if leaf := b.items[i].Leaf; leaf != nil && o.Entry != nil {
				o.Entry(leaf)
			}
		}
		if o.Progress != nil {
			o.Progress(v.report.Entries)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	if err := v.heads(); err != nil {
		return nil, err
	}
	if v.kept.err != nil {
		return nil, v.kept.err
	}
	v.end()
	return v.report, nil
}

// chainEnd is the last entry of a chain that was read.
type chainEnd struct {
	seq, at int64
	hash    tlog.Hash
}

// lost is a commitment without its opening.
type lost struct {
	index       int64
	entry, path string
}

// verifier takes records that were checked one by one and holds them to each other.
type verifier struct {
	ctx     context.Context //nolint:containedctx // of one verification
	o       Options
	report  *Report
	tree    crown
	kept    kept
	next    int64 // the place that should come next
	seed    maphash.Seed
	chains  map[uint64]chainEnd // by a hash of the name: a log may have millions
	held    []held              // checkpoints from outside, smallest first
	good    int64               // entries under the last checkpoint with which the tree fits
	lost    []lost
	erased  map[string]string // "CHAIN/SEQ/PATH" → "entry N of CHAIN"
	ended   bool              // the end of an export was read
	started bool              // the beginning of one was read
}

// held is a checkpoint from outside, opened.
type held struct {
	head  Head
	where string
}

func newVerifier(ctx context.Context, o Options) *verifier {
	v := &verifier{
		ctx: ctx, o: o, report: &Report{Erased: map[string]int64{}}, seed: maphash.MakeSeed(),
		chains: map[uint64]chainEnd{}, erased: map[string]string{},
	}
	if o.Kept != nil {
		v.kept = kept{read: o.Kept, find: v.report.Find}
		v.tree.grew = func(level int, n int64, hash tlog.Hash) { v.kept.hold(ctx, level, n, hash) }
	}
	for _, w := range o.Witnessed {
		head, err := w.open(o.Keys)
		if err != nil {
			v.report.Find(Finding{From: -1, To: -1, What: fmt.Sprintf("the checkpoint at %s: %v", w.Where, err)})
			continue
		}
		v.held = append(v.held, held{head, w.Where})
	}
	slices.SortFunc(v.held, func(a, b held) int { return int(a.head.Size - b.head.Size) })
	v.witness()
	return v
}

func (w Witnessed) open(keys note.Verifiers) (Head, error) {
	switch {
	case w.Head != nil:
		return *w.Head, nil
	case keys != nil:
		return Open(w.Note, keys)
	}
	return Peek(w.Note)
}

// take is the part of the verification that goes in order.
func (v *verifier) take(it *item) {
	if v.ended {
		v.report.Find(Finding{From: v.tree.size, To: v.tree.size, What: "something stands after the end of the export"})
	}
	for _, f := range it.findings {
		if f.From == lineOnly {
			f.From, f.To = v.tree.size, v.tree.size
		}
		v.report.Find(f)
	}
	switch it.kind {
	case kindLeaf:
		v.leaf(it)
	case kindCheckpoint:
		v.checkpoint(it)
	case kindBegin:
		if v.started || v.tree.size > 0 {
			v.report.Find(Finding{From: v.tree.size, To: v.tree.size, What: "another export begins in the middle"})
		}
		v.started = true
	case kindEnd:
		if v.ended = true; it.total != v.tree.size || it.heads != v.report.Checkpoints {
			v.report.Find(Finding{From: min(it.total, v.tree.size), To: max(it.total, v.tree.size), What: fmt.Sprintf(
				"the export says it has %d entries and %d checkpoints, and has %d and %d", it.total, it.heads, v.tree.size, v.report.Checkpoints)})
		}
	case kindNone: // said already
	}
}

func (v *verifier) leaf(it *item) {
	v.report.Entries++
	at := v.tree.size
	if it.index != v.next {
		v.place(it, v.next)
	}
	v.next = it.index + 1
	if it.good {
		v.link(it, at)
		v.report.Openings += int64(it.opened)
		for _, path := range it.missing {
			v.lost = append(v.lost, lost{at, it.name(), string(it.said.chain) + "/" + fmt.Sprint(it.said.seq) + "/" + path})
		}
		for _, path := range it.erases {
			v.erased[path] = it.name()
		}
	}
	v.tree.add(it.hash)
	v.witness()
}

// place says what is wrong where the places of the leaves are not one after the other.
func (v *verifier) place(it *item, at int64) {
	name := it.name()
	f := Finding{From: at, To: at, Entry: name}
	if it.index > at {
		f.Entry, f.To, f.What = "", it.index-1, fmt.Sprintf("what stood here was removed; %s comes next, with the place %d", name, it.index)
	} else {
		f.What = fmt.Sprintf("it has the place %d and stands where %d should: it was inserted or moved", it.index, at)
	}
	v.report.Find(f)
}

// link holds an entry to the one before it in its chain.
func (v *verifier) link(it *item, at int64) {
	key := maphash.Bytes(v.seed, it.said.chain)
	end := v.chains[key]
	v.chains[key] = chainEnd{it.said.seq, at, it.hash}
	var room [2 * tlog.HashSize]byte
	prev := room[:0]
	if end.seq > 0 {
		prev = flows.AppendDigits(prev, end.hash[:])
	}
	f := Finding{From: at, To: at}
	switch {
	case it.said.seq > end.seq+1:
		f.From = v.good // before that nothing is missing
		if end.seq > 0 {
			f.From = max(f.From, end.at+1)
		}
		f.From = min(f.From, at)
		f.What = fmt.Sprintf("entry %d of its chain, which comes before it, was removed or moved", end.seq+1)
	case it.said.seq <= end.seq:
		f.What = fmt.Sprintf("its chain had its entry %d already: one was inserted, or they were reordered", it.said.seq)
	case !bytes.Equal(prev, it.said.prev):
		f.From = end.at
		f.What = fmt.Sprintf("entry %d of its chain, at place %d, is not the one it names: one of the two was altered", end.seq, end.at)
	default:
		return
	}
	f.Entry = it.name()
	v.report.Find(f)
}

// checkpoint holds a head to the tree as it is at this place.
func (v *verifier) checkpoint(it *item) {
	v.report.Checkpoints++
	size := v.tree.size
	v.kept.missed(v.ctx, size/flows.TreeBlock) // they were stored with it, or before
	f := Finding{From: v.good, To: max(size-1, v.good)}
	switch {
	case it.head.Size != size:
		f.To = size
		f.What = fmt.Sprintf("the checkpoint of %d entries stands after %d: entries are missing, or it is an old one in a new place", it.head.Size, size)
	case it.head.Root != v.tree.root():
		f.What = fmt.Sprintf("the checkpoint of %d entries is of others: something among these was altered, removed, inserted or moved", size)
	default:
		if it.trusted {
			v.report.Signed, v.good = size, size
		}
		return
	}
	v.report.Find(f)
}

// witness holds the tree to the checkpoints from outside that are of its size.
func (v *verifier) witness() {
	for len(v.held) > 0 && v.held[0].head.Size <= v.tree.size {
		h := v.held[0]
		v.held = v.held[1:]
		if h.head.Root == v.tree.root() {
			v.report.Witnessed, v.good = h.head.Size, max(v.good, h.head.Size)
			continue
		}
		from := min(v.report.Witnessed, max(h.head.Size-1, 0))
		v.report.Find(Finding{From: from, To: max(h.head.Size-1, from), What: fmt.Sprintf(
			"the checkpoint of %d entries at %s is of others: something among these was altered, removed, inserted or moved since it was published", h.head.Size, h.where)})
	}
}

// mostUnended is how many chains are named that do not end where they should.
const mostUnended = 10_000

// heads holds the ends of the chains to the heads that are kept.
func (v *verifier) heads() error {
	if v.o.Heads == nil {
		return nil
	}
	err := v.o.Heads(v.ctx, func(chain []byte, entries int64, hash []byte) {
		key := maphash.Bytes(v.seed, chain)
		end, known := v.chains[key]
		delete(v.chains, key)
		var room [2 * tlog.HashSize]byte
		digits := flows.AppendDigits(room[:0], end.hash[:])
		switch {
		case known && end.seq == entries && bytes.Equal(digits, hash):
		case end.seq < entries && len(v.report.Unended) < mostUnended: // some may wait for the tree
			v.report.Unended = append(v.report.Unended, string(chain))
		default:
			v.report.Headless = true
		}
	})
	v.report.Headless = v.report.Headless || len(v.chains) > 0
	if err != nil {
		return fmt.Errorf("read the ends of the chains: %w", err)
	}
	return nil
}

// end says what only the whole log tells.
func (v *verifier) end() {
	for _, h := range v.held {
		v.report.Find(Finding{From: v.report.Witnessed, To: max(h.head.Size-1, v.report.Witnessed), What: fmt.Sprintf(
			"the checkpoint of %d entries at %s is of others, and the log has %d: some of these were removed", h.head.Size, h.where, v.tree.size)})
	}
	for _, l := range v.lost {
		if by, ok := v.erased[l.path]; ok {
			v.report.Erased[by]++
			continue
		}
		v.report.Find(Finding{From: l.index, To: l.index, Entry: l.entry, What: "a value of it cannot be opened, and no entry says that it was erased: " + l.path})
	}
	if v.started && !v.ended {
		v.report.Find(Finding{From: v.tree.size, To: v.tree.size, What: "the export ends in the middle"})
	}
}
