package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	main "breakglass/cmd/breakglass"
)

// tricks are what a terminal would take for an order: clear the line, set the title, go up
// (with eight bits, too), and write from the right.
const tricks = "a\x1b[2K\x1b]0;title\x07\u009b1Ab\u202ec\u2066d\re"

// What a server says, in whichever place, reaches the terminal as text.
func TestATerminalTakesNoOrders(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		one := map[string]any{
			"id": "req_" + tricks, "state": tricks, "flow": tricks, "target": tricks, "requester": tricks, "beneficiary": tricks, "duration": tricks,
			"reason": tricks, "fields": map[string]string{tricks: tricks}, "decided_by": tricks, "denied_because": tricks, "end_cause": tricks,
			"incident": map[string]any{"id": tricks, "number": 1, "title": tricks},
			"votes":    []any{map[string]any{"by": tricks, "door": tricks, "at": "2026-03-02T12:00:00Z"}},
		}
		rw.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/v1/requests":
			_ = json.NewEncoder(rw).Encode(map[string]any{"requests": []any{one}})
		case "/v1/requests/req_1":
			_ = json.NewEncoder(rw).Encode(one)
		default:
			rw.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(rw).Encode(map[string]any{"status": 403, "detail": tricks, "code": tricks, "next": tricks})
		}
	}))
	defer srv.Close()
	env := map[string]string{"HOME": t.TempDir(), "BREAKGLASS_TOKEN": "bgt_x"}
	for _, command := range []string{"request list", "request list -o csv", "request show req_1", "request show req_2", "request done req_1", "token list"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var out, errs buffer
		args := append(strings.Fields(command), "--server", srv.URL)
		code := main.Run(ctx, args, func(name string) string { return env[name] }, strings.NewReader(""), &out, &errs)
		cancel()
		said := out.String() + errs.String()
		if i := strings.IndexFunc(said, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }); i >= 0 || !strings.Contains(said, "title") {
			t.Errorf("%s (exit %d) writes at %d: %q", command, code, i, said)
		}
	}
}
