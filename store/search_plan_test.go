package store_test

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"breakglass/store"
	"breakglass/store/storetest"
)

// walks are the ways into the requests, and the index that each walks.
var walks = map[string]string{
	"searchByTime": "requests_at", "searchByTarget": "requests_target_at", "searchByFlow": "requests_flow_at",
	"searchByState": "requests_state_at", "searchByIncident": "request_incidents", "searchByPerson": "request_people_at",
	"searchByReview": "reviews_at", "searchBare": "requests_bare",
}

// TestSearchPlans: a first page walks its index, newest first; nothing is scanned and
// nothing sorted.
func TestSearchPlans(t *testing.T) {
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
		all := compiled(t, "internal/sqlitedb")
		lite := maps.Clone(walks)
		lite["searchByWords"] = "request_words_at"
		for name, index := range lite {
			steps := strings.Join(plan(t, db, all[name]), "\n")
			if !regexp.MustCompile(`^SEARCH \w+ USING [A-Z ]*(INDEX `+index+`|PRIMARY KEY) `).MatchString(steps) ||
				strings.Contains(steps, "SCAN") || strings.Contains(steps, "TEMP B-TREE") {
				t.Errorf("%s:\n%s", name, steps)
			}
		}
	})
	t.Run("postgres", func(t *testing.T) { t.Parallel(); postgresPlans(t) })
	t.Run("postgres words", func(t *testing.T) { t.Parallel(); wordsPlan(t) })
}

func postgresPlans(t *testing.T) {
	dsn := storetest.Postgres(t)
	mustOpen(t, store.Options{DSN: dsn, Migrate: true})
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // what is set holds for what follows
	for _, stmt := range []string{crowd, "ANALYZE", strings.ReplaceAll(store.Walking, "LOCAL", "SESSION")} {
		if _, err := db.ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	all := compiled(t, "internal/postgresdb")
	for name, index := range walks {
		query := all[name]
		n := 0
		for _, p := range dollars.FindAllString(query, -1) {
			var i int
			if _, err := fmt.Sscanf(p, "$%d", &i); err == nil {
				n = max(n, i)
			}
		}
		for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
			for _, stmt := range []string{"SET plan_cache_mode = " + mode, "PREPARE " + name + "_" + mode + " AS " + query} {
				if _, err := db.ExecContext(t.Context(), stmt); err != nil {
					t.Fatal(err)
				}
			}
			args := strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ")
			if mode == "force_custom_plan" {
				args = values(query, n)
			}
			steps := explained(t, db, "EXPLAIN EXECUTE "+name+"_"+mode+" ("+args+")")
			if !strings.Contains(steps, index) || strings.Contains(steps, "Sort") || strings.Contains(steps, "Seq Scan") {
				t.Errorf("%s, %s:\n%s", name, mode, steps)
			}
		}
	}
}

// wordsPlan: words within a time ask their index, and what was found is fetched one by
// one, in its order. Only what the index finds in four days is sorted.
func wordsPlan(t *testing.T) {
	dsn := storetest.Postgres(t)
	mustOpen(t, store.Options{DSN: dsn, Migrate: true})
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // what is set holds for what follows
	query, values := compiled(t, "internal/postgresdb")["searchByWords"], "1700000000000, 1700900000000, 'down', '~', '', '', '', '', '', '', 31, '', 31, '', '', '', '', 51"
	for _, stmt := range []string{crowd, "ANALYZE", strings.ReplaceAll(store.Sifting, "LOCAL", "SESSION"), "PREPARE words AS " + query} {
		if _, err := db.ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
		if _, err := db.ExecContext(t.Context(), "SET plan_cache_mode = "+mode); err != nil {
			t.Fatal(err)
		}
		steps := explained(t, db, "EXPLAIN EXECUTE words ("+values+")")
		if !regexp.MustCompile(`(?s)^Limit.*Nested Loop.*Sort.*Bitmap Index Scan on request_words_grams`).MatchString(steps) ||
			strings.Count(steps, "Sort  (") != 1 || strings.Contains(steps, "Seq Scan") || strings.Contains(steps, "Hash Join") {
			t.Errorf("%s:\n%s", mode, steps)
		}
	}
}

var dollars = regexp.MustCompile(`\$\d+`)

// values are arguments for a first page: by what each parameter is compared with.
func values(query string, n int) string {
	way := map[string]string{"r.target": "'t7'", "r.flow": "'f1'", "r.state": "'denied'", "i.incident": "'Q77'", "p.person": "'T/U77'", "v.state": "'open'"}
	out := make([]string, n)
	for i := range out {
		p := regexp.QuoteMeta(fmt.Sprintf("$%d", i+1)) + `\b`
		at := func(before string) bool { return regexp.MustCompile(before + p).MatchString(query) }
		switch {
		case at(`submitted_at <= `):
			out[i] = "9000000000000"
		case at(`submitted_at >= `):
			out[i] = "-9000000000000"
		case at(`(id|request) < `):
			out[i] = "'~'"
		case at(`LIMIT cast\(`):
			out[i] = "51"
		case at(`roles & cast\(`):
			out[i] = "31"
		default:
			out[i] = "''"
			for column, value := range way {
				if regexp.MustCompile(`WHERE ` + regexp.QuoteMeta(column) + ` = ` + p).MatchString(query) {
					out[i] = value
				}
			}
		}
	}
	return strings.Join(out, ", ")
}

func explained(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "\n")
}

// crowd is enough of a past for the planner to have a choice.
const crowd = `
SET session_replication_role = replica;
INSERT INTO requests SELECT 'req_' || lpad(n::text, 8, '0'), 1, (ARRAY['ended','denied','lapsed','failed'])[1 + n % 4],
	'f' || n % 3, 't' || n % 50, n::text, 'T/U' || n % 200, 'T/U' || n % 200, 'Q' || n % 2000, '', 1700000000000 + n * 1000, 0, 0, 0, '{}'
	FROM generate_series(1, 20000) n;
INSERT INTO request_people SELECT id, requester, 3, submitted_at FROM requests;
INSERT INTO request_incidents SELECT incident, submitted_at, id, 1 FROM requests;
INSERT INTO reviews SELECT id, (ARRAY['open','closed','closed'])[1 + submitted_at / 1000 % 3], submitted_at, submitted_at FROM requests WHERE right(id, 1) = '7';
INSERT INTO request_words SELECT id, 'asked', requester, 'the database is down', submitted_at FROM requests;
SET session_replication_role = origin;`

// TestMomentPlans: whose access began, or was over, in a time is read from the index of
// the entries that say so, and from nothing else; what lies in no page that changed lately
// is not looked up beside it.
func TestMomentPlans(t *testing.T) {
	moments := map[string]string{"grantedBetween": "entries_granted", "revokedBetween": "entries_revoked"}
	onBoth(t, func(t *testing.T, p place) {
		mustOpen(t, p.Options)
		db, err := sql.Open(p.driver, p.raw)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1) // what is set holds for what follows
		if p.driver == "sqlite" {
			all := compiled(t, "internal/sqlitedb")
			for name, index := range moments {
				if steps := strings.Join(plan(t, db, all[name]), "\n"); steps != "SEARCH entries USING COVERING INDEX "+index+" (at>? AND at<?)" {
					t.Errorf("%s:\n%s", name, steps)
				}
			}
			return
		}
		for _, stmt := range []string{log, "ANALYZE", strings.ReplaceAll(store.Walking, "LOCAL", "SESSION")} {
			if _, err := db.ExecContext(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
		all := compiled(t, "internal/postgresdb")
		for name, index := range moments {
			for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
				for _, stmt := range []string{"SET plan_cache_mode = " + mode, "PREPARE " + name + "_" + mode + " AS " + all[name]} {
					if _, err := db.ExecContext(t.Context(), stmt); err != nil {
						t.Fatal(err)
					}
				}
				steps := explained(t, db, "EXPLAIN EXECUTE "+name+"_"+mode+" (1700000000000, 1700009000000)")
				if !strings.HasPrefix(steps, "Index Only Scan using "+index) || strings.Contains(steps, "Sort") {
					t.Errorf("%s, %s:\n%s", name, mode, steps)
				}
			}
		}
	})
}

// log is entries enough for the planner to have a choice.
const log = `
SET session_replication_role = replica;
INSERT INTO entries (chain, seq, at, verb, prev, hash, bytes)
	SELECT 'req_' || lpad((n / 8)::text, 8, '0'), 1 + n % 8, 1700000000000 + n * 1000, (ARRAY['submit','route','approve','activate','granted','end','revoked','notified'])[1 + n % 8], '', n::text, '{}'
	FROM generate_series(1, 40000) n;
SET session_replication_role = origin;`

// TestTotalPlans: totals are read along their key, nothing else and nothing twice: days, or
// months, from one to another, and of some targets each day by itself. Nothing is sorted.
func TestTotalPlans(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		mustOpen(t, p.Options)
		db, err := sql.Open(p.driver, p.raw)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1) // what is set holds for what follows
		if p.driver == "sqlite" {
			all := compiled(t, "internal/sqlitedb")
			for name, want := range map[string]string{
				"sumsBetween": "SEARCH sums USING PRIMARY KEY (day>? AND day<?)", "partsBetween": "SEARCH part_sums USING PRIMARY KEY (span=? AND since>? AND since<?)",
				"partDays": "SCAN d VIRTUAL TABLE INDEX 1:\nSEARCH s USING PRIMARY KEY (span=? AND since=? AND kind=? AND part=?)\nLIST SUBQUERY 1\nSCAN json_each VIRTUAL TABLE INDEX 1:",
			} {
				if steps := strings.Join(plan(t, db, all[name]), "\n"); steps != want {
					t.Errorf("%s:\n%s", name, steps)
				}
			}
			return
		}
		for _, stmt := range []string{years, "ANALYZE"} {
			if _, err := db.ExecContext(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
		all := compiled(t, "internal/postgresdb")
		for name, args := range map[string]string{"sumsBetween": "20100, 20140", "partsBetween": "'day', 20100, 20130", "partDays": `'[20100, 20101]', '["t7", "t9"]'`} {
			for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
				for _, stmt := range []string{"SET plan_cache_mode = " + mode, "PREPARE " + name + "_" + mode + " AS " + all[name]} {
					if _, err := db.ExecContext(t.Context(), stmt); err != nil {
						t.Fatal(err)
					}
				}
				steps := explained(t, db, "EXPLAIN EXECUTE "+name+"_"+mode+" ("+args+")")
				if !regexp.MustCompile(`(Index|Bitmap Index) Scan (using|on) (part_)?sums_pkey`).MatchString(steps) || regexp.MustCompile(`Sort|Seq Scan|Hash|Merge|Materialize`).MatchString(steps) {
					t.Errorf("%s, %s:\n%s", name, mode, steps)
				}
			}
		}
	})
}

// years are totals of some, for the planner to have a choice.
const years = `
INSERT INTO sums (day, flow, shard, asked) SELECT d, 'f' || f, 0, 1 FROM generate_series(19000, 20400) d, generate_series(1, 8) f;
INSERT INTO part_sums SELECT 'day', d, 'target', 't' || t, 'f' || t % 3, 0, 1, 1 FROM generate_series(20000, 20400) d, generate_series(1, 100) t;
INSERT INTO part_sums SELECT 'month', d, 'target', 't' || t, 'f' || t % 3, 0, 1, 1 FROM generate_series(20000, 20400, 30) d, generate_series(1, 100) t;`
