package store_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"breakglass/store"
	"breakglass/store/storetest"
)

// manyPasses are 20,000 sessions, each over an hour after the one before.
const manyPasses = `INSERT INTO passes (id, version, kind, hash, code, holder, created_at, used_at, expires_at, ended_at, doc)
SELECT 'ses_' || i, 1, 'session', lpad(i::text, 64, '0'), '', 'T/U1', 1, 1, 1 + i::bigint * 3600000, 0, '{}' FROM generate_series(1, 20000) i`

// manyPayloads are 20,000 of which each was handled an hour after the one before.
const manyPayloads = `INSERT INTO inbox (key, kind, body, at, handled_at, attempts)
SELECT 'slack:' || i, 'x', '{}', 1, i::bigint * 3600000, 1 FROM generate_series(1, 20000) i`

// TestPurgePlan: deleting old passes and payloads walks the index of when they were over,
// from the oldest; it neither looks at those that are good nor sorts.
func TestPurgePlan(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "plan.db")
		mustOpen(t, store.Options{DSN: path})
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		steps := strings.Join(plan(t, db, compiled(t, "internal/sqlitedb")["purgePasses"]), "\n")
		if !strings.Contains(steps, "SEARCH p USING INDEX passes_over (expires_at<?)") || strings.Contains(steps, "TEMP B-TREE") {
			t.Error(steps)
		}
		steps = strings.Join(plan(t, db, compiled(t, "internal/sqlitedb")["purgeInbox"]), "\n")
		if !strings.Contains(steps, "SEARCH i USING INDEX inbox_handled (handled_at>? AND handled_at<?)") || strings.Contains(steps, "TEMP B-TREE") {
			t.Error(steps)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := storetest.Postgres(t)
		mustOpen(t, store.Options{DSN: dsn, Migrate: true})
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1) // what is set holds for what follows
		all := compiled(t, "internal/postgresdb")
		for _, stmt := range []string{manyPasses, manyPayloads, "ANALYZE", "PREPARE purge AS " + all["purgePasses"], "PREPARE inbox AS " + all["purgeInbox"]} {
			if _, err := db.ExecContext(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
		for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
			if _, err := db.ExecContext(t.Context(), "SET plan_cache_mode = "+mode); err != nil {
				t.Fatal(err)
			}
			steps := explained(t, db, "EXPLAIN EXECUTE purge (36000000, 500)")
			if !strings.Contains(steps, "Index Scan using passes_over") || strings.Contains(steps, "Sort") || strings.Contains(steps, "Seq Scan on passes p") {
				t.Errorf("%s:\n%s", mode, steps)
			}
			steps = explained(t, db, "EXPLAIN EXECUTE inbox (36000000, 500)")
			if !strings.Contains(steps, "Index Scan using inbox_handled") || strings.Contains(steps, "Sort") || strings.Contains(steps, "Seq Scan on inbox i") {
				t.Errorf("%s:\n%s", mode, steps)
			}
		}
	})
}
