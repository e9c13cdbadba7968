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

	"breakglass/flows"
)

// ExportVersion is the version of the form of proof exports: a reader of version n
// understands every version up to n.
const ExportVersion = 1

// Archive is the store as whoever reads all of it sees it.
type Archive interface {
	// TreeSize is how many entries have their places.
	TreeSize(ctx context.Context) (int64, error)
	// ReadLeaves reads the entries at the places from ≤ i < to, with the openings that are
	// left, into a page, which it clears first. It may be called side by side.
	ReadLeaves(ctx context.Context, from, to int64, into *flows.LeafPage) error
	// Heads are the checkpoints.
	Heads
}

// Live is the log as it is in the store when it begins to be read, each checkpoint after the
// entries it covers. What comes meanwhile is not of it: neither entries nor their checkpoints.
func Live(a Archive) Log {
	return func(ctx context.Context, entries int, give func(Page) error) error {
		page := int64(entries)
		last, err := a.LastCheckpoint(ctx) // before the size: there are as many entries at least
		if err != nil && !errors.Is(err, flows.ErrNotFound) {
			return err
		}
		size, err := a.TreeSize(ctx)
		if err != nil {
			return err
		}
		for from := int64(0); from == 0 || from < size; from += page {
			p := stretch{a, from, min(from+page, size), min(from+page, size) - 1}
			if from+page >= size {
				p.heads = max(size, last.Size)
			}
			if err := give(p.read); err != nil {
				return err
			}
		}
		return nil
	}
}

// stretch is a part of the log in the store.
type stretch struct {
	a        Archive
	from, to int64
	heads    int64 // the checkpoints of at most so many entries stand in it
}

func (p stretch) read(ctx context.Context, room *Room) ([]Record, error) {
	if err := p.a.ReadLeaves(ctx, p.from, p.to, &room.Leaves); err != nil {
		return nil, err
	}
	heads := headReader{a: p.a, last: p.from - 1}
	room.Records = room.Records[:0]
	for i := range room.Leaves.Rows {
		row := &room.Leaves.Rows[i]
		if err := heads.upTo(ctx, row.Index, room); err != nil {
			return nil, err
		}
		room.Records = append(room.Records, Record{Leaf: row})
	}
	return room.Records, heads.upTo(ctx, p.heads, room)
}

// headReader reads checkpoints, some at a time.
type headReader struct {
	a    Archive
	page []flows.Checkpoint
	last int64
	done bool
}

// upTo adds the checkpoints of at most size entries that were not added yet.
func (h *headReader) upTo(ctx context.Context, size int64, room *Room) error {
	for {
		if len(h.page) == 0 && !h.done {
			var err error
			if h.page, err = h.a.Checkpoints(ctx, h.last, headsAtOnce); err != nil {
				return err
			}
			h.done = len(h.page) < headsAtOnce
		}
		if len(h.page) == 0 || h.page[0].Size > size {
			return nil
		}
		c := &h.page[0]
		h.page, h.last = h.page[1:], c.Size
		room.Records = append(room.Records, Record{Checkpoint: c})
	}
}

// headsAtOnce is how many checkpoints are read at a time: there are few for each page.
const headsAtOnce = 20

// Export writes a log as JSON Lines: a line that says what it is, then the entries and
// checkpoints in the order of the tree, then a line that says it is complete. progress
// is told now and then how many entries are written; nil: nobody.
func Export(ctx context.Context, w io.Writer, log Log, progress func(entries int64)) (entries int64, err error) {
	out := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintln(out, begins(ExportVersion)) // errors stay in out until Flush
	var heads int64
	err = walk(ctx, log, inLittleRoom(), (*batch).write, func(b *batch) error {
		if b.err != nil {
			return b.err
		}
		for _, r := range b.records {
			if r.Leaf != nil {
				entries++
			} else {
				heads++
			}
		}
		if progress != nil {
			progress(entries)
		}
		_, err := out.Write(b.out)
		return err
	})
	if err != nil {
		return entries, err
	}
	fmt.Fprintln(out, ends(entries, heads))
	return entries, out.Flush()
}

// write writes the lines of a page.
func (b *batch) write() {
	b.out = b.out[:0]
	for _, r := range b.records {
		if r.Leaf == nil {
			b.out = append(appendHead(b.out, r.Checkpoint.Note), '\n')
			continue
		}
		if b.out, b.err = appendLeaf(b.out, r.Leaf); b.err != nil {
			return
		}
	}
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
func appendLeaf(b []byte, l *flows.LeafRow) ([]byte, error) {
	if bytes.IndexByte(l.Bytes, '\n') >= 0 {
		return nil, fmt.Errorf("entry %d of %s has a line break in its bytes: it is not one line of an export", l.Seq, l.Chain)
	}
	b = append(b, `{"leaf":`...)
	b = strconv.AppendInt(b, l.Index, 10)
	b = append(b, `,"openings":[`...)
	for i := range l.Openings {
		o := &l.Openings[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"path":`...), o.Path)
		b = append(b, `,"salt":"`...)
		b = hex.AppendEncode(b, o.Salt)
		b = append(appendText(append(b, `","value":`...), o.Value), '}')
	}
	b = append(b, `],"entry":`...)
	b = append(b, l.Bytes...)
	return append(b, "}\n"...), nil
}

// appendText writes a string in the canonical form.
func appendText[T string | []byte](b []byte, s T) []byte {
	if plain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	text, err := flows.Canonical(strings.ToValidUTF8(string(s), "\uFFFD"))
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, text...)
}

// plain reports whether the canonical form of s is s between quotes. Nearly all are.
func plain[T string | []byte](s T) bool {
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
	return func(_ context.Context, entries int, give func(Page) error) error {
		in := bufio.NewScanner(r)
		in.Buffer(make([]byte, 0, 1<<16), maxLine)
		in.Split(splitLines)
		var text []byte // of the lines
		var lines []Record
		some := false
		send := func() error {
			page := lines
			lines, text = make([]Record, 0, entries), make([]byte, 0, cap(text))
			return give(func(_ context.Context, room *Room) ([]Record, error) {
				room.Leaves.Clear()
				return page, nil
			})
		}
		for in.Scan() {
			line := in.Bytes()
			if !some && !bytes.HasPrefix(line, []byte(`{"breakglass":"audit proof",`)) {
				return errNoExport
			}
			if len(lines) == entries || len(lines) > 0 && len(line)+len(text) > cap(text) {
				if err := send(); err != nil {
					return err
				}
			}
			if len(line) > cap(text) {
				text = make([]byte, 0, max(1<<20, len(line)))
			}
			from := len(text)
			text = append(text, line...)
			lines = append(lines, Record{Line: text[from:len(text):len(text)]})
			some = true
		}
		if in.Err() == nil && !some {
			return errNoExport
		}
		if in.Err() != nil || len(lines) == 0 {
			return in.Err()
		}
		return send()
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
func (it *item) decode(room *flows.LeafPage) error {
	line := it.Line
	if rest, ok := bytes.CutPrefix(line, []byte(`{"leaf":`)); ok {
		clear(it.row.Openings[:cap(it.row.Openings)]) // what is left of another entry keeps the text of its page
		it.row = flows.LeafRow{Openings: it.row.Openings[:0]}
		if err := decodeLeaf(rest, &it.row, room); err != nil {
			return err
		}
		it.Leaf = &it.row
		return nil
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
func decodeLeaf(b []byte, leaf *flows.LeafRow, room *flows.LeafPage) error {
	s := &scanner{b: b}
	index, err := s.number()
	if err != nil || index < 0 || !s.word(`,"openings":[`) {
		return errLine
	}
	leaf.Index = index
	for !s.at(']') {
		if len(leaf.Openings) > 0 && !s.at(',') {
			return errLine
		}
		o, err := s.opening(room)
		if err != nil {
			return err
		}
		leaf.Openings = append(leaf.Openings, o)
	}
	if !s.word(`,"entry":`) || !bytes.HasSuffix(b[s.i:], []byte("}")) {
		return errLine
	}
	leaf.Bytes = b[s.i : len(b)-1]
	return nil
}

func (s *scanner) opening(room *flows.LeafPage) (flows.OpeningRow, error) {
	var o flows.OpeningRow
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
	var err error
	o.Salt = room.Write(func(to []byte) []byte { to, err = hex.AppendDecode(to, raw[1]); return to })
	if err != nil || !s.at('}') || bytes.ContainsAny(raw[1], "ABCDEF") {
		return o, errLine
	}
	o.Path, o.Value = unescaped(raw[0]), unescaped(raw[2])
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
