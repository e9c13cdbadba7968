package audit_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/flows/audit"
)

// TestEarlierEntriesVerify: an export of the first form, made by an earlier version, is
// verified by every later one, and by the second verifier. It is kept and never made anew:
// a form that this version cannot read any more needs another flows.EntrySchema.
func TestEarlierEntriesVerify(t *testing.T) {
	t.Parallel()
	const file = "testdata/v1.jsonl"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile("testdata/v1.key")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := audit.Keys(strings.TrimSpace(string(key)))
	if err != nil {
		t.Fatal(err)
	}
	verify := func(text []byte) *audit.Report {
		r, err := audit.Verify(t.Context(), audit.Exported(bytes.NewReader(text)), audit.Options{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := verify(text); !r.OK() || r.Entries < 15 || r.Signed != r.Entries {
		t.Errorf("the earlier export: %+v", r)
	}
	if !bytes.Contains(text, []byte(`"v":1,"verb":"approve"`)) || flows.EntrySchema < 1 {
		t.Error("the export has no decision of the first form")
	}
	if r := verify(bytes.Replace(text, []byte(`"verb":"approve"`), []byte(`"verb":"approvs"`), 1)); r.OK() {
		t.Error("an alteration was not found")
	}
	out, err := exec.CommandContext(t.Context(), python(t), "verify.py", file, strings.TrimSpace(string(key))).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
