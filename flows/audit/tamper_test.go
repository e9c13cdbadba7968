package audit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"breakglass/flows/audit"
)

// An export is altered a thousand times: each time it is found, at the place.

const exportTampered = 840

// file is an export as lines, without their ends.
type file struct {
	t     *testing.T
	s     *shelf
	lines []string
	rnd   *rand.Rand
}

func exported(t *testing.T, s *shelf) []string {
	t.Helper()
	var b bytes.Buffer
	if _, err := audit.Export(t.Context(), &b, audit.Live(s), nil); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func text(lines []string) string { return strings.Join(lines, "\n") + "\n" }

func TestTamperingWithAnExport(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 60, 13)
	whole := exported(t, s)
	if r := s.verify(t, audit.Exported(strings.NewReader(text(whole))), s.heads[len(s.heads)-1]); !r.OK() || r.Witnessed != 60 {
		t.Fatal(r.Findings)
	}
	rnd := rand.New(rand.NewPCG(3, 5))
	kinds := exportTamperings()
	n := exportTampered
	if raceDetector { // it is slow, and looks for something else
		n = 100
	}
	for i := range n {
		k := kinds[i%len(kinds)]
		f := &file{t: t, s: s, lines: slices.Clone(whole), rnd: rnd}
		what, at := k.do(f)
		r := s.verify(t, audit.Exported(strings.NewReader(text(f.lines))), s.heads[len(s.heads)-1])
		covered := at < 0
		for _, f := range r.Findings {
			covered = covered || f.From <= at && at <= f.To
		}
		if r.OK() || !covered || at >= 0 && r.First().From > at || r.First().From < 0 && r.First().Entry == "" {
			t.Errorf("%s (%s, place %d): found %v", k.name, what, at, r.Findings)
		}
	}
}

type exportTampering struct {
	name string
	do   func(*file) (what string, at int64)
}

func exportTamperings() []exportTampering {
	return []exportTampering{
		{"byte", (*file).flip}, {"delete", (*file).remove}, {"delete and count anew", (*file).removeClosing}, {"double", (*file).double}, {"insert", (*file).insert},
		{"swap", (*file).swap}, {"swap and count anew", (*file).swapClosing}, {"truncate", (*file).truncate}, {"truncate and end", (*file).truncateEnding},
		{"replay", (*file).replay}, {"forge", (*file).forge},
	}
}

// entries are the numbers of the lines that are entries.
func (f *file) entries() (out []int) {
	for i, l := range f.lines {
		if strings.HasPrefix(l, `{"leaf":`) {
			out = append(out, i)
		}
	}
	return out
}

// any is the line of a random entry, and its place.
func (f *file) any() (line int, at int64) {
	all := f.entries()
	n := f.rnd.IntN(len(all))
	return all[n], int64(n)
}

// before is how many entries stand before a line.
func (f *file) before(line int) (n int64) {
	for _, l := range f.lines[:line] {
		if strings.HasPrefix(l, `{"leaf":`) {
			n++
		}
	}
	return n
}

// recount gives the entries their places anew, and the end its numbers.
func (f *file) recount() {
	n, heads := 0, 0
	for i, l := range f.lines {
		switch {
		case strings.HasPrefix(l, `{"leaf":`):
			f.lines[i] = `{"leaf":` + strconv.Itoa(n) + l[strings.IndexByte(l, ','):]
			n++
		case strings.HasPrefix(l, `{"checkpoint":`):
			heads++
		case strings.HasPrefix(l, `{"end":`):
			f.lines[i] = fmt.Sprintf(`{"end":true,"entries":%d,"checkpoints":%d}`, n, heads)
		}
	}
}

func (f *file) flip() (string, int64) {
	line := f.rnd.IntN(len(f.lines)-1) + 1
	b := []byte(f.lines[line])
	i := f.rnd.IntN(len(b))
	was := b[i]
	for b[i] == was {
		b[i] = byte(0x20 + f.rnd.IntN(0x5f))
	}
	at := f.before(line)
	if !strings.HasPrefix(f.lines[line], `{"leaf":`) {
		at = -1
	}
	f.lines[line] = string(b)
	return fmt.Sprintf("%q for %q in %.30s", b[i], was, f.lines[line]), at
}

func (f *file) remove() (string, int64) {
	line, at := f.any()
	f.lines = slices.Delete(f.lines, line, line+1)
	return "a line", at
}

func (f *file) removeClosing() (string, int64) {
	line, at := f.any()
	f.lines = slices.Delete(f.lines, line, line+1)
	f.recount()
	return "a line, and the places anew", at
}

func (f *file) double() (string, int64) {
	line, at := f.any()
	f.lines = slices.Insert(f.lines, line+1, f.lines[line])
	f.recount()
	return "an entry twice", at + 1
}

func (f *file) insert() (string, int64) {
	line, at := f.any()
	f.lines = slices.Insert(f.lines, line+1, strings.Replace(f.lines[line], `"verb":"`, `"verb":"un`, 1))
	f.recount()
	return "an entry that was made up", at + 1
}

func (f *file) pair() (a, b int, at int64) {
	a, i := f.any()
	b, k := f.any()
	for a == b {
		b, k = f.any()
	}
	f.lines[a], f.lines[b] = f.lines[b], f.lines[a]
	return a, b, min(i, k)
}

func (f *file) swap() (string, int64) {
	_, _, at := f.pair()
	return "two lines", at
}

func (f *file) swapClosing() (string, int64) {
	_, _, at := f.pair()
	f.recount()
	return "two lines, and the places anew", at
}

func (f *file) truncate() (string, int64) {
	f.lines = f.lines[:1+f.rnd.IntN(len(f.lines)-1)]
	return fmt.Sprint("to ", len(f.lines)), f.before(len(f.lines))
}

func (f *file) truncateEnding() (string, int64) {
	line, at := f.any()
	f.lines = append(f.lines[:line:line], `{"end":true,"entries":0,"checkpoints":0}`)
	f.recount()
	return fmt.Sprint("to ", line), at
}

// heads are the lines of checkpoints.
func (f *file) heads() (out []int) {
	for i, l := range f.lines {
		if strings.HasPrefix(l, `{"checkpoint":`) {
			out = append(out, i)
		}
	}
	return out
}

func (f *file) replay() (string, int64) {
	all := f.heads()
	i := 1 + f.rnd.IntN(len(all)-1)
	f.lines[all[i]] = f.lines[all[f.rnd.IntN(i)]]
	return "an old checkpoint", -1
}

func (f *file) forge() (string, int64) {
	all := f.heads()
	line := all[f.rnd.IntN(len(all))]
	private, _, err := audit.MakeKey(func(b []byte) { b[0] = byte(f.rnd.Uint32()) }, "acme.example/breakglass")
	if err != nil {
		f.t.Fatal(err)
	}
	other, _, err := audit.Signer(private)
	if err != nil {
		f.t.Fatal(err)
	}
	size := f.before(line)
	c := f.s.heads[slices.Index(all, line)]
	signed, err := audit.Sign(size, c.Root, other)
	if err != nil {
		f.t.Fatal(err)
	}
	f.lines[line] = `{"checkpoint":` + strconv.QuoteToGraphic(signed) + `}`
	return "a signature by another key", size
}

// python runs the verifier that has nothing of ours.
func python(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath("python3")
	if err == nil {
		return bin
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("python3 is needed in CI, for the second verifier")
	}
	t.Skip("python3 is not on this machine, so the second verifier is not run")
	return ""
}

// TestSecondVerifier: verify.py says of an export, whole and altered, what we say.
func TestSecondVerifier(t *testing.T) {
	t.Parallel()
	bin, dir := python(t), t.TempDir()
	s := newShelf(t).fill(t, 40, 13)
	whole := exported(t, s)
	kept := filepath.Join(dir, "kept.txt")
	head, err := audit.Peek(s.heads[0].Note)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, []byte("Somebody said: "+head.Line()+"\n\n"+s.heads[2].Note), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, lines []string) (string, int) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text(lines)), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), bin, "verify.py", path, s.public, kept)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run("whole", whole); code != 0 || !strings.Contains(out, "40 entries, 4 checkpoints; 40 are signed for, 39 by a checkpoint from outside") {
		t.Errorf("the whole export: exit %d\n%s", code, out)
	}
	rnd := rand.New(rand.NewPCG(11, 13))
	for i, k := range exportTamperings() {
		f := &file{t: t, s: s, lines: slices.Clone(whole), rnd: rnd}
		what, _ := k.do(f)
		if out, code := run(fmt.Sprint(i), f.lines); code != 3 || !strings.Contains(out, "NOT AS IT WAS SIGNED") {
			t.Errorf("%s (%s): exit %d\n%s", k.name, what, code, out)
		}
	}
}
