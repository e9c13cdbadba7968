package config_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"breakglass/flows/config"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite what testdata/mistakes expects")

// Each file of testdata/mistakes is a configuration and, under "want", what is said
// about it. base.hcl and prod.py of testdata complete it unless it has its own.
func TestMistakes(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			checkCase(t, path)
		})
	}
}

func checkCase(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := fstest.MapFS{"base.hcl": {Data: testdata(t, "base.hcl")}, "prod.py": {Data: []byte("x = 1\n")}}
	var want string
	kept := archive.Files[:0:0]
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		kept = append(kept, f)
		dir[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	got := written(t, dir)
	if strings.Contains(got, "hunter2") {
		t.Errorf("a value is shown:\n%s", got)
	}
	if *update {
		archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is said (-want +got):\n%s", diff)
	}
}

// written is what loading dir says, as people see it.
func written(t *testing.T, dir fs.FS) string {
	t.Helper()
	c, ds := config.LoadFS(dir, config.Options{CheckHandler: findBroken})
	if (c == nil) != ds.HasErrors() {
		t.Errorf("HasErrors is %v and the configuration is %v", ds.HasErrors(), c)
	}
	var out bytes.Buffer
	if err := ds.Write(&out, false); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// findBroken stands for the handler language: it finds the word BROKEN.
func findBroken(_ string, src []byte) []config.Problem {
	var out []config.Problem
	for n, line := range strings.Split(string(src), "\n") {
		if i := strings.Index(line, "BROKEN"); i >= 0 {
			out = append(out, config.Problem{Line: n + 1, Column: i + 1, Message: "BROKEN is not defined.", Suggestion: "Define it."})
		}
	}
	return out
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
