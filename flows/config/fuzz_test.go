package config_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"breakglass/flows/config"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad holds that loading never panics, gives a configuration exactly when there
// is no error, and that every mistake has a place and words.
func FuzzLoad(f *testing.F) {
	f.Add(testdata(f, "base.hcl"), []byte("x = 1"))
	f.Add(testdata(f, "design.hcl"), []byte(""))
	f.Add([]byte("locals {\n a = "+strings.Repeat("[!(", 200)), []byte(""))
	cases, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range cases {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(b).Files {
			if strings.HasSuffix(file.Name, ".hcl") {
				f.Add(file.Data, []byte("x = 1"))
			}
		}
	}
	f.Fuzz(func(t *testing.T, src, py []byte) {
		c, ds := config.LoadFS(fstest.MapFS{"breakglass.hcl": {Data: src}, "prod.py": {Data: py}}, config.Options{CheckHandler: findBroken})
		if (c == nil) != ds.HasErrors() {
			t.Fatalf("HasErrors is %v and the configuration is %v", ds.HasErrors(), c)
		}
		for _, d := range ds.All() {
			if d.File == "" || d.Message == "" || d.Line < 0 || d.Column < 0 {
				t.Errorf("a diagnostic without a place or words: %+v", d)
			}
		}
		var out strings.Builder
		if err := ds.Write(&out, true); err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(out.String()) {
			t.Errorf("what is written is not UTF-8: %q", out.String())
		}
		if c != nil {
			for _, id := range c.Catalog.FlowOrder {
				if err := c.Explain(io.Discard, id); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
