// Package source changes configurations in place, as people would: it adds blocks where
// such blocks stand already and replaces single attributes. All other bytes stay, with
// their comments, their order and their faults. Nothing is written until Write.
//
// It imports HCL's parser, to find places, and the standard library. Read first: this
// file, then adapter.go (what is added) and text.go (how it is written).
package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// mainFile is the file that every configuration directory has.
const mainFile = "breakglass.hcl"

// maxFile is the most bytes of one file that a configuration may have.
const maxFile = 1 << 20

// Dir is a configuration directory and the changes to one of its files.
type Dir struct {
	path  string
	name  string // of the file that is changed
	files map[string]*file
	edits []edit
	added map[string]string // secrets that are added, by the variable they are read from
}

// file is one *.hcl file as it was read.
type file struct {
	src    []byte
	blocks []*hclsyntax.Block
}

// edit replaces the bytes between two places of the file as it was read.
type edit struct {
	from, to int
	text     string
	behind   string // after everything that is added here
}

// Open reads a configuration: a directory, whose breakglass.hcl is changed then, or one
// of its *.hcl files.
func Open(path string) (*Dir, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, name: mainFile, files: map[string]*file{}, added: map[string]string{}}
	if !info.IsDir() {
		d.path, d.name = filepath.Dir(path), filepath.Base(path)
		if filepath.Ext(d.name) != ".hcl" {
			return nil, fmt.Errorf("%s is not a configuration: their names end in .hcl", path)
		}
	}
	names, err := filepath.Glob(filepath.Join(d.path, "*.hcl"))
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if err := d.read(filepath.Base(n)); err != nil {
			return nil, err
		}
	}
	if d.files[d.name] == nil {
		return nil, fmt.Errorf("%s has no %s", d.path, d.name)
	}
	return d, nil
}

func (d *Dir) read(name string) error {
	src, err := os.ReadFile(filepath.Join(d.path, name))
	if err != nil {
		return err
	}
	if len(src) > maxFile {
		return fmt.Errorf("%s is larger than 1 MiB", name)
	}
	f, err := parse(name, src)
	if err != nil {
		return err
	}
	d.files[name] = f
	return nil
}

func parse(name string, src []byte) (*file, error) {
	parsed, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		at := diags[0].Subject
		return nil, fmt.Errorf("%s:%d: %s", name, at.Start.Line, diags[0].Summary)
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return nil, fmt.Errorf("%s is not a configuration", name)
	}
	return &file{src: src, blocks: body.Blocks}, nil
}

// Name is the file that is changed.
func (d *Dir) Name() string { return d.name }

// Path is the directory.
func (d *Dir) Path() string { return d.path }

// Changed reports whether there is anything to write.
func (d *Dir) Changed() bool { return len(d.edits) > 0 }

// after is the file with its edits.
func (d *Dir) after() []byte {
	src := d.files[d.name].src
	edits := slices.Clone(d.edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		out.Write(src[at:e.from])
		out.WriteString(e.text + e.behind)
		at = e.to
	}
	out.Write(src[at:])
	return out.Bytes()
}

// each goes over the blocks of a kind, in all files.
func (d *Dir) each(kind string, do func(name string, f *file, b *hclsyntax.Block)) {
	for _, name := range d.names() {
		f := d.files[name]
		for _, b := range f.blocks {
			if b.Type == kind {
				do(name, f, b)
			}
		}
	}
}

func (d *Dir) names() []string {
	out := make([]string, 0, len(d.files))
	for name := range d.files {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// insertAfter adds text behind the last block of a kind in the file that is changed, or
// at its end, with an empty line around it.
func (d *Dir) insertAfter(kind, text string) {
	f := d.files[d.name]
	at := len(f.src)
	for _, b := range f.blocks {
		if b.Type == kind {
			at = lineEnd(f.src, b.CloseBraceRange.End.Byte)
		}
	}
	for i := range d.edits { // one more behind those added at the same place
		if d.edits[i].from == at && d.edits[i].to == at {
			d.edits[i].text += "\n" + text
			return
		}
	}
	e := edit{from: at, to: at, text: text}
	switch {
	case at == 0, bytes.HasSuffix(f.src[:at], []byte("\n\n")), bytes.HasSuffix(f.src[:at], []byte("\n\r\n")):
	case f.src[at-1] == '\n':
		e.text = "\n" + text
	default:
		e.text = "\n\n" + text
	}
	if rest := f.src[at:]; len(rest) > 0 && rest[0] != '\n' && rest[0] != '\r' {
		e.behind = "\n"
	}
	d.edits = append(d.edits, e)
}

// lineEnd is the byte behind the line break that follows at.
func lineEnd(src []byte, at int) int {
	if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(src)
}

// Diff shows the changes, as patch reads them.
func (d *Dir) Diff() string {
	return unified(d.name, string(d.files[d.name].src), string(d.after()))
}

// Write puts the changed file in the place of the old one, whole or not at all. Nothing
// is written where somebody has changed it meanwhile.
func (d *Dir) Write() error {
	if !d.Changed() {
		return nil
	}
	whole := filepath.Join(d.path, d.name)
	if real, err := filepath.EvalSymlinks(whole); err == nil {
		whole = real
	}
	if now, err := os.ReadFile(whole); err != nil || !bytes.Equal(now, d.files[d.name].src) {
		return errors.Join(fmt.Errorf("%s was changed meanwhile, and was left as it is", d.name), err)
	}
	info, err := os.Stat(whole)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(whole), ".breakglass-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", d.name, err)
	}
	_, err = tmp.Write(d.after())
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), whole)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", d.name, err), os.Remove(tmp.Name()))
	}
	return nil
}

// FS is the directory as it will be after Write.
func (d *Dir) FS() fs.FS { return overlay{FS: os.DirFS(d.path), name: d.name, src: d.after()} }

// Before is the directory as it was read.
func (d *Dir) Before() fs.FS {
	return overlay{FS: os.DirFS(d.path), name: d.name, src: d.files[d.name].src}
}

// overlay is a directory with one file replaced.
type overlay struct {
	fs.FS

	name string
	src  []byte
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	if name != o.name {
		return o.FS.Open(name)
	}
	return &replaced{Reader: bytes.NewReader(o.src), name: name}, nil
}

// replaced is the file in the place of another.
type replaced struct {
	*bytes.Reader

	name string
}

func (r *replaced) Stat() (fs.FileInfo, error) { return r, nil }
func (r *replaced) Close() error               { return nil }
func (r *replaced) Name() string               { return r.name }
func (r *replaced) Mode() fs.FileMode          { return 0o444 }
func (r *replaced) ModTime() time.Time         { return time.Time{} }
func (r *replaced) IsDir() bool                { return false }
func (r *replaced) Sys() any                   { return nil }

// quoteBlock is how a block begins.
func quoteBlock(kind string, labels ...string) string {
	for _, l := range labels {
		kind += ` "` + l + `"`
	}
	return kind + " {\n"
}

// List writes texts as a list, in one line where they fit.
func List(texts []string) string { return list(texts, "") }

func list(texts []string, indent string) string {
	quoted := make([]string, 0, len(texts))
	for _, t := range texts {
		quoted = append(quoted, quote(t))
	}
	if line := "[" + strings.Join(quoted, ", ") + "]"; len(line) <= 90 {
		return line
	}
	return "[\n" + indent + "  " + strings.Join(quoted, ",\n"+indent+"  ") + ",\n" + indent + "]"
}
