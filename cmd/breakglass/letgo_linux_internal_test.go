//go:build linux

package main

import (
	"os"
	"testing"
)

// Only parts of the file itself that nobody has written into are given back: what is
// written elsewhere would be lost.
func TestOnlyCodeIsLetGo(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"00400000-01533000 r-xp 00000000 fe:00 77 /opt/break glass/breakglass\n": true,
		"01533000-0259b000 r--p 01133000 fe:00 77 /opt/break glass/breakglass\n": true,
		"0259b000-02670000 rw-p 0219b000 fe:00 77 /opt/break glass/breakglass\n": false,
		"3ee462000000-3ee463800000 rw-p 00000000 00:00 0 \n":                     false,
		"7f1000000000-7f1000001000 r-xp 00000000 00:00 0 [vdso]\n":               false,
		"7f1000000000-7f1000001000 r-xp 00000000 fe:00 78 /lib/libc.so.6\n":      false,
		"0259b000-01533000 r-xp 00000000 fe:00 77 /opt/break glass/breakglass\n": false,
		"zz-01533000 r-xp 00000000 fe:00 77 /opt/break glass/breakglass\n":       false,
		"\n": false,
	} {
		if _, size, ok := codeOf(line, "/opt/break glass/breakglass"); ok != want || ok && size == 0 {
			t.Errorf("%q: %d bytes, %v", line, size, ok)
		}
	}
	letGoOfCode() // and goes on
	if _, err := os.Executable(); err != nil {
		t.Error(err)
	}
}
