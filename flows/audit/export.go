package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"breakglass/flows"
)

// ExportVersion is the version of the form of proof exports: a reader of version n
// understands every version up to n.
const ExportVersion = 1

// Archive is the store as whoever reads all of it sees it.
type Archive interface {
	// TreeSize is how many entries have their places.
	TreeSize(ctx context.Context) (int64, error)
	// Leaves are the entries at the places from ≤ i < to, with the openings that are left.
	Leaves(ctx context.Context, from, to int64) ([]flows.Leaf, error)
	// Checkpoints are the signed heads of more than after entries, the smallest first.
	Checkpoints(ctx context.Context, after int64, limit int) ([]flows.Checkpoint, error)
}

// pageSize is how many entries are read at a time.
const pageSize = 1000

// readAhead is how many pages are read while others are looked at.
const readAhead = 2

// Live is the log as it is in the store, each checkpoint after the entries it covers.
func Live(a Archive) Log {
	return func(ctx context.Context, give func(Record) error) error {
		size, err := a.TreeSize(ctx)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(ctx)
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		pages := make(chan chan leafPage, readAhead)
		all.Go(func() { ahead(ctx, a, size, pages) })
		heads := &headReader{a: a}
		for next := range pages {
			p := <-next
			if p.err != nil {
				return p.err
			}
			for i := range p.leaves {
				if err := heads.upTo(ctx, p.leaves[i].Index, give); err != nil {
					return err
				}
				if err := give(Record{Leaf: &p.leaves[i]}); err != nil {
					return err
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return heads.upTo(ctx, 1<<62, give)
	}
}

// leafPage is some leaves, or why they cannot be read.
type leafPage struct {
	leaves []flows.Leaf
	err    error
}

// ahead reads the leaves, side by side, and hands them on in their order.
func ahead(ctx context.Context, a Archive, size int64, pages chan<- chan leafPage) {
	defer close(pages)
	var reading sync.WaitGroup
	defer reading.Wait()
	for from := int64(0); from < size; from += pageSize {
		next := make(chan leafPage, 1)
		select {
		case pages <- next:
		case <-ctx.Done():
			return
		}
		reading.Go(func() {
			leaves, err := a.Leaves(ctx, from, min(from+pageSize, size))
			next <- leafPage{leaves, err}
		})
	}
}

// headReader gives checkpoints page by page.
type headReader struct {
	a    Archive
	page []flows.Checkpoint
	last int64
	done bool
}

// upTo gives the checkpoints of at most size entries that were not given yet.
func (h *headReader) upTo(ctx context.Context, size int64, give func(Record) error) error {
	for {
		if len(h.page) == 0 && !h.done {
			var err error
			if h.page, err = h.a.Checkpoints(ctx, h.last, pageSize); err != nil {
				return err
			}
			h.done = len(h.page) < pageSize
		}
		if len(h.page) == 0 || h.page[0].Size > size {
			return nil
		}
		c := h.page[0]
		h.page, h.last = h.page[1:], c.Size
		if err := give(Record{Checkpoint: &c}); err != nil {
			return err
		}
	}
}

// Export writes a log as JSON Lines: a line that says what it is, then the entries and
// checkpoints in the order of the tree, then a line that says it is complete. progress
// is told now and then how many entries are written; nil: nobody.
func Export(ctx context.Context, w io.Writer, log Log, progress func(entries int64)) (entries int64, err error) {
	out := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintln(out, begins(ExportVersion)) // errors stay in out until Flush
	var heads int64
	line := make([]byte, 0, 4096)
	err = log(ctx, func(r Record) error {
		switch line = line[:0]; {
		case r.Leaf != nil:
			if line, err = appendLeaf(line, r.Leaf); err != nil {
				return err
			}
			if entries++; progress != nil && entries%pageSize == 0 {
				progress(entries)
			}
		case r.Checkpoint != nil:
			line = append(appendHead(line, r.Checkpoint.Note), '\n')
			heads++
		}
		_, err := out.Write(line)
		return err
	})
	if err != nil {
		return entries, err
	}
	fmt.Fprintln(out, ends(entries, heads))
	return entries, out.Flush()
}

func begins(version int) string { return fmt.Sprintf(`{"breakglass":"audit proof","v":%d}`, version) }

func ends(entries, heads int64) string {
	return fmt.Sprintf(`{"end":true,"entries":%d,"checkpoints":%d}`, entries, heads)
}

func appendHead(b []byte, note string) []byte {
	return append(appendText(append(b, `{"checkpoint":`...), note), '}')
}

// appendLeaf writes the line of an entry: its place, its openings, and last its bytes
// as they are.
func appendLeaf(b []byte, l *flows.Leaf) ([]byte, error) {
	if bytes.IndexByte(l.Entry.Bytes, '\n') >= 0 {
		return nil, fmt.Errorf("entry %d of %s has a line break in its bytes: it is not one line of an export", l.Entry.Seq, l.Entry.Chain)
	}
	b = append(b, `{"leaf":`...)
	b = strconv.AppendInt(b, l.Index, 10)
	b = append(b, `,"openings":[`...)
	for i, o := range l.Entry.Openings {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"path":`...), o.Path)
		b = append(b, `,"salt":"`...)
		b = hex.AppendEncode(b, o.Salt)
		b = append(appendText(append(b, `","value":`...), o.Value), '}')
	}
	b = append(b, `],"entry":`...)
	b = append(b, l.Entry.Bytes...)
	return append(b, "}\n"...), nil
}

// appendText writes a string in the canonical form.
func appendText(b []byte, s string) []byte {
	if plain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	text, err := flows.Canonical(strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, text...)
}

// plain reports whether the canonical form of s is s between quotes. Nearly all are.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// maxLine is the longest line of an export.
const maxLine = 16 << 20

// Exported is the log in an export.
func Exported(r io.Reader) Log {
	return func(_ context.Context, give func(Record) error) error {
		in := bufio.NewScanner(r)
		in.Buffer(make([]byte, 0, 1<<16), maxLine)
		in.Split(splitLines)
		var arena []byte
		some := false
		for in.Scan() {
			if len(in.Bytes())+len(arena) > cap(arena) {
				arena = make([]byte, 0, max(1<<20, len(in.Bytes())))
			}
			start := len(arena)
			arena = append(arena, in.Bytes()...)
			line := arena[start:len(arena):len(arena)]
			if !some && !bytes.HasPrefix(line, []byte(`{"breakglass":"audit proof",`)) {
				return errNoExport
			}
			if err := give(Record{Line: line}); err != nil {
				return err
			}
			some = true
		}
		if in.Err() == nil && !some {
			return errNoExport
		}
		return in.Err()
	}
}

var errNoExport = errors.New("this is no proof export of breakglass; make one by: breakglass audit export --proof")

// splitLines splits at line feeds and takes nothing else away. What stands behind the last
// one was cut off: it gets a mark that no line of an export has.
func splitLines(data []byte, atEnd bool) (advance int, line []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEnd && len(data) > 0 {
		return len(data), append(bytes.Clone(data), " (cut off)"...), nil
	}
	return 0, nil, nil
}

// decode reads the line of an export that the record is.
func (it *item) decode() error {
	line := it.Line
	if rest, ok := bytes.CutPrefix(line, []byte(`{"leaf":`)); ok {
		leaf, err := decodeLeaf(rest)
		it.Leaf = leaf
		return err
	}
	var other struct {
		Breakglass  *string `json:"breakglass"`
		V           int     `json:"v"`
		Checkpoint  *string `json:"checkpoint"`
		End         bool    `json:"end"`
		Entries     int64   `json:"entries"`
		Checkpoints int64   `json:"checkpoints"`
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&other); err != nil {
		return errors.New("it is no JSON that is expected here")
	}
	switch {
	case other.Breakglass != nil && other.V > ExportVersion:
		return fmt.Errorf("the export has version %d and this program knows only up to %d", other.V, ExportVersion)
	case other.Breakglass != nil && other.V > 0:
		it.kind = kindBegin
	case other.Checkpoint != nil:
		it.Checkpoint = &flows.Checkpoint{Note: *other.Checkpoint}
	case other.End:
		it.kind, it.total, it.heads = kindEnd, other.Entries, other.Checkpoints
	default:
		return errors.New("it is neither an entry nor a checkpoint")
	}
	return it.exact(other.V)
}

// exact holds a line to the one way in which an export writes it.
func (it *item) exact(version int) error {
	var want []byte
	switch {
	case it.Checkpoint != nil:
		want = appendHead(nil, it.Checkpoint.Note)
	case it.kind == kindEnd:
		want = []byte(ends(it.total, it.heads))
	default:
		want = []byte(begins(version))
	}
	if !bytes.Equal(want, it.Line) {
		it.kind, it.Checkpoint = kindNone, nil
		return errLine
	}
	return nil
}

var errLine = errors.New("it is not written as an export writes it")

// decodeLeaf reads what comes after {"leaf": .
func decodeLeaf(b []byte) (*flows.Leaf, error) {
	s := &scanner{b: b}
	index, err := s.number()
	if err != nil || index < 0 || !s.word(`,"openings":[`) {
		return nil, errLine
	}
	leaf := &flows.Leaf{Index: index}
	for !s.at(']') {
		if len(leaf.Entry.Openings) > 0 && !s.at(',') {
			return nil, errLine
		}
		o, err := s.opening()
		if err != nil {
			return nil, err
		}
		leaf.Entry.Openings = append(leaf.Entry.Openings, o)
	}
	if !s.word(`,"entry":`) || !bytes.HasSuffix(b[s.i:], []byte("}")) {
		return nil, errLine
	}
	leaf.Entry.Bytes = b[s.i : len(b)-1]
	return leaf, nil
}

func (s *scanner) opening() (flows.Opening, error) {
	var o flows.Opening
	var raw [3][]byte
	for i, word := range [...]string{`{"path":`, `,"salt":`, `,"value":`} {
		if !s.word(word) {
			return o, errLine
		}
		var err error
		if raw[i], err = s.text(); err != nil {
			return o, errLine
		}
	}
	salt := make([]byte, hex.DecodedLen(len(raw[1])))
	if _, err := hex.Decode(salt, raw[1]); err != nil || !s.at('}') || hex.EncodeToString(salt) != string(raw[1]) {
		return o, errLine
	}
	o.Path, o.Salt, o.Value = string(unescaped(raw[0])), salt, string(unescaped(raw[2]))
	return o, nil
}

// word steps over w if it comes next.
func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}
