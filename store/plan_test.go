package store_test

import (
	"database/sql"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"breakglass/store"
)

// scans are the queries that may read a whole table, and why.
var scans = map[string]string{
	"countJobs":         "counts every job",
	"freeAllLeases":     "looks at every leased job; once, when a file is opened",
	"nextDue":           "walks the free jobs in the order they are due, up to the first whose lane is free",
	"countWaiting":      "counts the entries that wait for the tree",
	"firstWaiting":      "takes the first of them",
	"sequenceEntries":   "takes the first of them, up to a limit",
	"lastCheckpoint":    "takes the last row",
	"entriesBeyondHead": "looks at every entry; asked by a full verification only",
	"countUnplaced":     "counts the entries; asked by a full verification only",
	"unplacedEntries":   "looks at every entry; asked by a full verification only",
	"sinkCursors":       "lists every sink; a handful",
	"releaseAllSinks":   "looks at every sink; once, when a file is opened",
	"headlessChains":    "looks at every chain; asked by a full verification only",
	"oldestRequest":     "takes the first row of an index",
	"newestRequest":     "takes the last row of an index",
	"allLinks":          "lists everybody's link; asked by commands, at the start and at a change of the list",
	"allSignIns":        "lists everybody's sign-in; asked by commands",
	"chainlessRequests": "looks at every request; asked by a full verification only",
	"headlessRequests":  "looks at every request; asked by a full verification only",
}

// TestPlans holds every query to an index: what costs more as the store grows is
// listed above.
func TestPlans(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "plan.db")
	mustOpen(t, store.Options{DSN: path})
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := compiled(t, "internal/sqlitedb")
	if len(all) < 40 {
		t.Errorf("only %d queries were found", len(all))
	}
	for name, query := range all {
		var bad []string
		for _, step := range plan(t, db, query) {
			if strings.HasPrefix(step, "SCAN ") && !harmless.MatchString(step) {
				bad = append(bad, step)
			}
		}
		switch _, may := scans[name]; {
		case len(bad) > 0 && !may:
			t.Errorf("%s: %s", name, strings.Join(bad, "; "))
		case len(bad) == 0 && may:
			t.Errorf("%s has an index by now; take it off the list", name)
		}
	}
}

// harmless are the rows of a sub-query, of a statement itself, or of a list it was given.
var harmless = regexp.MustCompile(`^SCAN (CONSTANT ROW|\d+-ROW VALUES|\(subquery|(\w|json_each) VIRTUAL TABLE)`)

// compiled are the queries as sqlc compiled them for one engine, by name.
func compiled(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && strings.HasPrefix(lit.Value, "`-- name:") {
				query, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				all[spec.Names[0].Name] = query
			}
			return true
		})
	}
	return all
}

// plan is what SQLite would do for a query.
func plan(t *testing.T, db *sql.DB, query string) (steps []string) {
	t.Helper()
	args := make([]any, len(placeholder.FindAllString(query, -1)))
	distinct := map[string]bool{}
	for _, p := range placeholder.FindAllString(query, -1) {
		distinct[p] = true
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args[:len(distinct)]...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

var placeholder = regexp.MustCompile(`\?\d+`)
