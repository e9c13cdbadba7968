package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"breakglass/flows/audit"
)

// TestKeptCheckpoints: each file of kept checkpoints has one of the log that is verified,
// or the command says which has none; words about another log hold this one to nothing.
func TestKeptCheckpoints(t *testing.T) {
	t.Parallel()
	private, public, err := audit.MakeKey(func(b []byte) { b[0] = 1 }, "acme.example/breakglass")
	if err != nil {
		t.Fatal(err)
	}
	signer, _, err := audit.Signer(private)
	if err != nil {
		t.Fatal(err)
	}
	head := audit.Head{Origin: "acme.example/breakglass", Size: 3}
	signed, err := audit.Sign(3, head.Root, signer)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keep := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, none := keep("kept.txt", "the wall:\n\n"+signed), keep("none.txt", "the message was cut off\n")
	words := keep("words.txt", head.Line())
	other := keep("other.txt", audit.Head{Origin: "acme.example/break", Size: 3}.Line())
	for _, c := range []struct {
		files []string
		found int
		wrong string
	}{
		{[]string{good}, 1, ""}, {[]string{good, words}, 2, ""}, {[]string{none}, 0, none}, {[]string{good, none}, 1, none}, {[]string{good, other}, 1, other},
	} {
		v := verification{keys: []string{public}, files: c.files}
		o, err := v.options(func(string) {})
		if len(o.Witnessed) != c.found || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%v: %d checkpoints, %v", c.files, len(o.Witnessed), err)
		}
	}
}
