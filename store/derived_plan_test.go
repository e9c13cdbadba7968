package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"breakglass/store"
	"breakglass/store/storetest"
)

// TestListQuestions: what lists are held with goes along an index; nothing is scanned, and
// nothing is sorted but, on PostgreSQL, the rows of one page.
func TestListQuestions(t *testing.T) {
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
		for question, table := range store.Questions() {
			steps := strings.Join(plan(t, db, strings.ReplaceAll(question, "$", "?")), "\n")
			along := regexp.MustCompile(`^SEARCH \w+ USING [A-Z ]*(INDEX \w+|PRIMARY KEY) `)
			if !along.MatchString(steps) || strings.Contains(steps, "SCAN") || strings.Contains(steps, "TEMP B-TREE") {
				t.Errorf("%s:\n%s\n%s", table, question, steps)
			}
		}
	})
	t.Run("postgres", func(t *testing.T) { t.Parallel(); listPlans(t) })
}

// manyCalls are entries about calls among others.
const manyCalls = `
SET session_replication_role = replica;
INSERT INTO entries (chain, seq, at, verb, prev, hash, bytes) SELECT 'req_' || lpad((n / 6)::text, 8, '0'), 1 + n % 6, n, 'approve', '', n::text, '{}' FROM generate_series(1, 60000) n;
INSERT INTO entries (chain, seq, at, verb, prev, hash, bytes) SELECT 'calls/req_' || lpad((n / 100)::text, 8, '0'), 1 + n % 100, n, (ARRAY['call_sent','calls_done'])[1 + n % 2], '', n::text, '{}' FROM generate_series(1, 30000) n;
INSERT INTO calls SELECT 'req_' || lpad(n::text, 8, '0'), 'GET /' || m, 3, 0, 1 FROM generate_series(1, 3000) n, generate_series(1, 3) m;
SET session_replication_role = origin;`

func listPlans(t *testing.T) {
	dsn := storetest.Postgres(t)
	mustOpen(t, store.Options{DSN: dsn, Migrate: true})
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // what is set holds for what follows
	for _, stmt := range []string{crowd, manyCalls, "VACUUM ANALYZE"} {
		for _, one := range strings.SplitAfter(stmt, ";\n") {
			if _, err := db.ExecContext(t.Context(), one); err != nil {
				t.Fatal(err)
			}
		}
	}
	args := map[string]string{
		"request_people": "'req_00010000', 'req_00011000'", "request_words": "'req_00010000', 'req_00011000'", "reviews": "'req_00010000', 'req_00010100'",
		"requests": "'req_00010000', 'req_00011000'", "request_incidents": "'Q100', 1700000000000, 'req_00000100', 5000",
		"requests_incident": "'Q100', 'req_00000100', 5000",
		"entries_chain_seq": "'calls/', 0, 'calls0', 20000", "calls": "'req_00000100', 'req_00000200'",
	}
	n := 0
	for question, table := range store.Questions() {
		n++
		for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
			name := fmt.Sprintf("q%d_%s", n, mode)
			planner, inOrder := "RESET enable_sort; RESET enable_bitmapscan", table == "request_incidents" || table == "requests_incident" || table == "entries_chain_seq"
			if inOrder { // they have no end but a limit
				planner = strings.ReplaceAll(store.Walking, "LOCAL", "SESSION")
			}
			for _, stmt := range []string{planner, "SET plan_cache_mode = " + mode, "PREPARE " + name + " AS " + question} {
				if _, err := db.ExecContext(t.Context(), stmt); err != nil {
					t.Fatal(err)
				}
			}
			steps := explained(t, db, "EXPLAIN EXECUTE "+name+" ("+args[table]+")")
			if !strings.Contains(steps, table) || strings.Contains(steps, "Seq Scan") || strings.Contains(steps, "Hash") || inOrder && strings.Contains(steps, "Sort") || !strings.Contains(steps, "Index") {
				t.Errorf("%s, %s:\n%s", table, mode, steps)
			}
		}
	}
}
