package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
)

// lowStore is an empty SQLite store.
func lowStore(t *testing.T) *sqliteDB {
	t.Helper()
	db, err := openSQLite(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "é ?.db"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// writeBeside writes beside the store's own writer.
func writeBeside(t *testing.T, db *sqliteDB, text string, args ...any) {
	t.Helper()
	pool, err := sql.Open("sqlite", dsn(db.path))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatal(err)
	}
}

// TestLowReads: what comes from below is what was written, whatever its length and signs.
func TestLowReads(t *testing.T) {
	t.Parallel()
	db := lowStore(t)
	type pair struct {
		Name, Value string
		Len         int64
	}
	want := []pair{
		{"low a", "", 0}, {"low b", "plain", 5}, {"low c", "nul \x00 nul", 9}, {"low d", "é Ω \u2028 \xff", 11},
		{"low e", strings.Repeat("over pages ", 5000), 55_000}, {"low f 'quoted' \x00", "1", 1},
	}
	for _, p := range want {
		writeBeside(t, db, "INSERT INTO meta (name, value) VALUES (?, ?)", p.Name, p.Value)
	}
	for range 2 { // the second time with the statement of the first
		var got []pair
		err := db.low(t.Context(), func(c *lowConn) error {
			const ask = "SELECT name, value, octet_length(value) FROM meta WHERE name >= ?1 AND name < ?2 AND ?3 = 1 ORDER BY name"
			return c.query(t.Context(), ask, []any{"low ", "low!", int64(1)}, func(r lowRow) error {
				got = append(got, pair{string(r.bytes(0)), string(r.bytes(1)), r.int(2)})
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	err := db.low(t.Context(), func(c *lowConn) error {
		return c.query(t.Context(), "SELECT value FROM meta WHERE name = ?1", []any{"low f 'quoted' \x00"}, func(r lowRow) error { return errors.New(string(r.bytes(0))) })
	})
	if err == nil || err.Error() != "1" {
		t.Errorf("each said %v", err)
	}
}

// TestLowState: all questions within one look see the same state, and the next look the
// new one.
func TestLowState(t *testing.T) {
	t.Parallel()
	db := lowStore(t)
	count := func(c *lowConn) (n int64) {
		err := c.query(t.Context(), "SELECT count(*) FROM meta WHERE name LIKE 'low%'", nil, func(r lowRow) error { n = r.int(0); return nil })
		if err != nil {
			t.Error(err)
		}
		return n
	}
	for i := range int64(3) {
		err := db.low(t.Context(), func(c *lowConn) error {
			before := count(c)
			writeBeside(t, db, "INSERT INTO meta (name, value) VALUES ('low' || ?, '')", i)
			if after := count(c); before != i || after != i {
				t.Errorf("saw %d, then %d, want %d", before, after, i)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// endless is a question that is never answered.
const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"

// TestLowEnds: who no longer waits is not kept waiting, and the connection is good for the
// next one.
func TestLowEnds(t *testing.T) {
	t.Parallel()
	db := lowStore(t)
	db.lows.SetMaxOpenConns(1)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.low(ctx, func(c *lowConn) error {
			return c.query(ctx, "SELECT 1 UNION ALL SELECT i FROM ("+endless+")", nil, func(lowRow) error { cancel(); return nil })
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a question that was called off in an answer: %v", err)
		}
		ctx, late := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err = db.low(ctx, func(c *lowConn) error {
			return c.run(ctx, endless)
		})
		late()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a question that took too long: %v", err)
		}
		n := int64(0)
		err = db.low(t.Context(), func(c *lowConn) error {
			return c.query(t.Context(), "SELECT count(*) FROM meta", nil, func(r lowRow) error { n = r.int(0); return nil })
		})
		if err != nil || n == 0 {
			t.Errorf("the next one: %d, %v", n, err)
		}
	}
}

// TestLowErrors: errors mean what they mean above.
func TestLowErrors(t *testing.T) {
	t.Parallel()
	db := lowStore(t)
	ask := func(text string, args ...any) error {
		return db.low(t.Context(), func(c *lowConn) error {
			return c.query(t.Context(), text, args, func(lowRow) error { return nil })
		})
	}
	if err := ask("DELETE FROM meta"); !errors.Is(err, flows.ErrReadOnly) {
		t.Errorf("a write: %v", err)
	}
	if err := ask("SELECT no_such FROM meta"); err == nil || !strings.Contains(err.Error(), "no such column: no_such") {
		t.Errorf("a question that makes no sense: %v", err)
	}
	if err := ask("SELECT ?1", 1.5); err == nil || !strings.Contains(err.Error(), "float64") {
		t.Errorf("a value that no question has: %v", err)
	}
	if err := ask("ROLLBACK"); err == nil {
		t.Error("a look that ended its own state is not found out")
	}
	if err := ask("SELECT 1"); err != nil {
		t.Errorf("after it: %v", err)
	}
	if _, err := db.lows.ExecContext(t.Context(), "SELECT 1"); !errors.Is(err, errLow) {
		t.Errorf("asked through database/sql: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.db")
	if err := os.WriteFile(broken, []byte(strings.Repeat("not a database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{broken: ErrDamaged, broken + ".none": flows.ErrReadOnly} {
		other := &sqliteDB{lows: lowReaders(path, []string{"mode=ro", "_pragma=query_only(1)"}, 1)}
		if err := other.low(t.Context(), func(c *lowConn) error { return c.run(t.Context(), "SELECT name FROM meta") }); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
		if err := other.lows.Close(); err != nil {
			t.Error(err)
		}
	}
}
