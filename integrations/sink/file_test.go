package sink_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/integrations/sink"
)

// linesOf reads a file; every line of it must be whole.
func linesOf(t *testing.T, path string) []line {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 0 && b[len(b)-1] != '\n' {
		t.Errorf("%s ends with half a line", path)
	}
	var out []line
	in := bufio.NewScanner(bytes.NewReader(b))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v in %s", path, err, in.Text())
		}
		out = append(out, l)
	}
	return out
}

func newFile(t *testing.T, spec sink.Spec) sink.Sink {
	t.Helper()
	spec.Kind = sink.KindFile
	s, err := sink.New(spec, sink.Options{Clock: flows.NewHandClock(noon)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func send(t *testing.T, s sink.Sink, batch []flows.Leaf) {
	t.Helper()
	if err := s.Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// The bytes of an entry stand in the line as they are hashed; personal values only
// where the operator asked for them.
func TestFileLines(t *testing.T) {
	t.Parallel()
	for _, openings := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		all := leaves(t, 3)
		send(t, newFile(t, sink.Spec{Path: path, Openings: openings}), all)
		lines := linesOf(t, path)
		if len(lines) != 3 || lines[2].Leaf != 2 || !bytes.Equal(lines[2].Entry, all[2].Entry.Bytes) {
			t.Fatalf("%+v", lines)
		}
		switch got := lines[2].Openings; {
		case !openings && len(got) != 0:
			t.Errorf("openings %v that nobody asked for", got)
		case openings && (len(got) != 1 || got[0].Path != "facts.reason" || got[0].Value != "it \"burns\"\nü"):
			t.Errorf("openings %+v", got)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
}

func TestFileIsSetAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.jsonl")
	all := leaves(t, 9)
	s := newFile(t, sink.Spec{Path: path, MaxBytes: 1500})
	for i := range all {
		send(t, s, all[i:i+1])
	}
	files, err := filepath.Glob(path + ".2026*")
	if err != nil || len(files) < 2 || files[0] != path+".20261122T120000Z" || files[1] != files[0]+"-2" {
		t.Fatalf("%v, %v", files, err)
	}
	var found int
	for _, f := range append(files, path) {
		if info, err := os.Stat(f); err != nil || info.Size() > 1500 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
		found += len(linesOf(t, f))
	}
	if found != len(all) {
		t.Errorf("%d lines in all files", found)
	}
}

// Whoever rotates the file needs no signal, and one who removes it loses nothing that
// comes after.
func TestFileMovedAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	all := leaves(t, 3)
	s := newFile(t, sink.Spec{Path: path})
	send(t, s, all[:1])
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	send(t, s, all[1:2])
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	send(t, s, all[2:])
	if a, b := linesOf(t, path+".1"), linesOf(t, path); len(a) != 1 || len(b) != 1 || b[0].Leaf != 2 {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestFileHalfALine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	all := leaves(t, 2)
	first := newFile(t, sink.Spec{Path: path})
	send(t, first, all[:1])
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"leaf":1,` + strings.Repeat("x", 200_000)); err != nil { // longer than a block is read
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	send(t, newFile(t, sink.Spec{Path: path}), all[1:])
	if lines := linesOf(t, path); len(lines) != 2 || lines[1].Leaf != 1 {
		t.Errorf("%+v", lines)
	}
}
