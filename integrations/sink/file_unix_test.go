//go:build unix

package sink_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"breakglass/integrations/sink"
)

func TestFileThatIsNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{fifo, dir, filepath.Join(dir, "nowhere", "audit.jsonl")} {
		err := newFile(t, sink.Spec{Path: path}).Send(t.Context(), leaves(t, 1))
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "stay in the database") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
