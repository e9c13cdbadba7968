package main_test

import (
	"database/sql"
	"strings"
	"testing"
)

// mostWeight is what an entry may take on disk, in bytes, with its indexes and its proof;
// its hashes, its chain and its place alone take leastWeight.
const mostWeight, leastWeight = 1200, 400

// weighs holds what an entry takes on disk to mostWeight: its row, what opens its
// commitments, the head of its chain, its place in the tree and the tree, all their
// indexes, and the room that is left in their pages. (An index of PostgreSQL begins with
// two pages whatever is in it; of thousands of entries these would be a twentieth, of
// millions they are nothing, and they are not counted.)
func weighs(t *testing.T, dsn string) {
	t.Helper()
	const tables = `('entries', 'openings', 'packed_openings', 'chains', 'leaves', 'unsequenced', 'tree', 'checkpoints', 'witnesses')`
	driver, query := "sqlite", `SELECT sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE AND s.tbl_name IN `+tables
	if strings.HasPrefix(dsn, "postgres:") {
		driver, query = "pgx", `SELECT sum(pg_relation_size(c.oid) + coalesce((SELECT sum(pg_relation_size(i.indexrelid) - 2 * 8192) FROM pg_index i WHERE i.indrelid = c.oid), 0))::bigint
			FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN `+tables
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var entries, all int64
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM entries").Scan(&entries); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(t.Context(), query).Scan(&all); err != nil {
		t.Fatal(err)
	}
	each := all / entries
	t.Logf("an entry takes %d bytes", each)
	if each > mostWeight || each < leastWeight {
		t.Errorf("an entry takes %d bytes, of %d entries; it may take %d, and less than %d means that something was not weighed", each, entries, mostWeight, leastWeight)
	}
}
