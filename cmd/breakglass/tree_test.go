package main_test

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// The tests of this folder that end in rules read the project's files and hold them
// against the rules of the house. They walk the files themselves: what `go list` says
// of them is not among what Go's test cache looks at, so a violation could pass as "ok
// (cached)". Each rule is tried on a small tree that breaks it, too.

// tree is a project as files.
type tree struct {
	fsys  fs.FS
	fset  *token.FileSet
	files []*file
}

// file is one Go file.
type file struct {
	path, dir string
	ast       *ast.File
	lines     int
	test      bool // _test.go
	generated bool
	ignored   bool // //go:build ignore: a program of its own beside the package
}

// command says whether the file belongs to cmd, where the program meets the world.
func (f *file) command() bool { return strings.HasPrefix(f.dir, "cmd/") }

// readTree parses every Go file but those of dot folders and testdata.
func readTree(fsys fs.FS) (*tree, error) {
	tr := &tree{fsys: fsys, fset: token.NewFileSet()}
	err := walk(fsys, func(name string) error {
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(tr.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		tr.files = append(tr.files, &file{
			path: name, dir: path.Dir(name), ast: parsed,
			lines:     strings.Count(string(src), "\n"),
			test:      strings.HasSuffix(name, "_test.go"),
			generated: ast.IsGenerated(parsed),
			ignored:   buildIgnored(parsed),
		})
		return nil
	})
	return tr, err
}

// walk visits the files of a project, without dot folders and testdata.
func walk(fsys fs.FS, visit func(name string) error) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return visit(name)
		case d.Name() == "testdata", d.Name() == "node_modules", strings.HasPrefix(d.Name(), ".") && name != ".":
			return fs.SkipDir
		}
		return nil
	})
}

// buildIgnored says whether a file is built by no build.
func buildIgnored(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < f.Package && constraint.IsGoBuild(c.Text) && strings.TrimPrefix(c.Text, "//go:build ") == "ignore" {
				return true
			}
		}
	}
	return false
}

// at is a place in the tree, as an editor finds it.
func (tr *tree) at(pos token.Pos) string {
	p := tr.fset.Position(pos)
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// repository is this project, read once.
var repository = sync.OnceValues(func() (*tree, error) { return readTree(os.DirFS("../..")) })

// rule looks for what a tree does wrong, a line each.
type rule func(*tree) []string

// obeys fails for whatever the rule finds in this project.
func obeys(t *testing.T, r rule) {
	t.Helper()
	if raceDetector {
		t.Skip("the files are the same with it, and take ten times as long to read")
	}
	tr, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	found := r(tr)
	sort.Strings(found)
	for _, line := range found {
		t.Error(line)
	}
}

// catches proves the rule on a small tree: files by path, and for each expected
// finding a part of its line.
func catches(t *testing.T, r rule, files map[string]string, want ...string) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tr, err := readTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	found := r(tr)
	sort.Strings(found)
	if len(found) != len(want) {
		t.Fatalf("found %d things, want %d:\n%s", len(found), len(want), strings.Join(found, "\n"))
	}
	for i, line := range found {
		if !strings.Contains(line, want[i]) {
			t.Errorf("found %q, want %q in it", line, want[i])
		}
	}
}
