package audit_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"breakglass/flows/audit"
)

// TestSecondVerifierOfOneEntry: verify.py checks the proof of one entry as the door gives
// it, holds it to a checkpoint that was kept before, and finds what was changed.
func TestSecondVerifierOfOneEntry(t *testing.T) {
	t.Parallel()
	bin, dir := python(t), t.TempDir()
	s := newShelf(t).fill(t, 43, 13)
	write := func(name string, v any) string {
		b, isText := v.(string)
		if !isText {
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			b = string(raw)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(p audit.ProofAnswer, bytes, kept string) (string, int) {
		story := map[string]any{"entries": []any{map[string]string{"hash": p.Hash, "bytes": bytes}}}
		cmd := exec.CommandContext(t.Context(), bin, "verify.py", "--entry", write("proof", p), write("story", story), s.public, write("kept", kept))
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	prove := func(leaf int) (audit.ProofAnswer, string) {
		e := s.leaves[leaf].Entry
		p, err := audit.Prove(t.Context(), s, audit.Claim{Chain: e.Chain, Seq: e.Seq, From: s.heads[1].Size})
		if err != nil {
			t.Fatal(err)
		}
		return p, string(e.Bytes)
	}
	for _, leaf := range []int{0, 25, 42} {
		p, bytes := prove(leaf)
		if out, code := run(p, bytes, s.heads[1].Note); code != 0 || !strings.Contains(out, "is at place") || !strings.Contains(out, "held to 1 kept") {
			t.Errorf("place %d: exit %d\n%s", leaf, code, out)
		}
	}
	for name, change := range map[string]func(*audit.ProofAnswer, *string, *string){
		"bytes":      func(_ *audit.ProofAnswer, b, _ *string) { *b = strings.Replace(*b, `"seq":`, `"seq":1`, 1) },
		"place":      func(p *audit.ProofAnswer, _, _ *string) { p.Leaf++ },
		"path":       func(p *audit.ProofAnswer, _, _ *string) { p.Inclusion = p.Inclusion[1:] },
		"root":       func(p *audit.ProofAnswer, _, _ *string) { p.Root = p.FromRoot },
		"checkpoint": func(p *audit.ProofAnswer, _, _ *string) { p.Checkpoint = s.heads[0].Note },
		"growth":     func(p *audit.ProofAnswer, _, _ *string) { p.Growth[0] = p.Root },
		"what was kept": func(_ *audit.ProofAnswer, _, k *string) {
			head, err := audit.Peek(s.heads[0].Note)
			if err != nil {
				t.Error(err)
			}
			head.Size = s.heads[1].Size
			*k = head.Line()
		},
	} {
		p, bytes := prove(25)
		kept := s.heads[1].Note
		change(&p, &bytes, &kept)
		if out, code := run(p, bytes, kept); code != 3 || !strings.Contains(out, "NOT AS IT WAS SIGNED") {
			t.Errorf("%s: exit %d\n%s", name, code, out)
		}
	}
}
