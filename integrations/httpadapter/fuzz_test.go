package httpadapter

import (
	"strings"
	"testing"
)

// Whatever pieces a text comes in, and whatever stands around it, no spelling of a secret
// comes out, and everything else does.
func FuzzMask(f *testing.F) {
	f.Add("before ", "s3cr3t-key", " after", uint8(3))
	f.Add("s3cr", "s3cr3t", "s3cr3ts3cr3", uint8(1))
	f.Fuzz(func(t *testing.T, before, secret, after string, step uint8) {
		if len(secret) < shortest || len(secret) > 64 || strings.Contains(secret, "*") {
			return
		}
		text := before + secret + after
		s := stream{m: newMask([]string{secret}, nil)}
		var out []byte
		for rest := []byte(text); ; {
			n := min(int(step)%17+1, len(rest))
			out = append(out, s.pass(rest[:n], n == len(rest))...)
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
		if len(out) != len(text) || strings.Contains(string(out), secret) {
			t.Fatalf("%q comes out as %q", text, out)
		}
		whole := []byte(text)
		m := s.m
		m.cover(whole, m.find(whole))
		if string(whole) != string(out) {
			t.Fatalf("in pieces %q, whole %q", out, whole)
		}
	})
}
