package slackfake

import (
	"strings"
	"testing"
)

// TestLedgerBytes: large bodies push old ones out before the count does.
func TestLedgerBytes(t *testing.T) {
	t.Parallel()
	l := ledger{limit: 10_000}
	body := strings.Repeat("x", maxLedgerBody)
	for i := range 300 {
		l.add(Exchange{Seq: int64(i), RequestBody: body})
	}
	if want := maxLedgerBytes / maxLedgerBody; len(l.entries) != want || l.bytes != maxLedgerBytes {
		t.Errorf("%d exchanges with %d bytes, want %d", len(l.entries), l.bytes, want)
	}
	if l.entries[len(l.entries)-1].Seq != 299 {
		t.Errorf("the newest is %d", l.entries[len(l.entries)-1].Seq)
	}
}
