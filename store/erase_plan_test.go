package store_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

// erasing are the questions inside the transaction of an erasure, with arguments for
// PostgreSQL and the index that each has to take, if that is worth saying.
var erasing = []struct{ name, args, lite, post string }{
	{"openingsSince", "20000, 'T/U7', '%U7%'", "SEARCH o USING INDEX sqlite_autoindex_openings_1 (entry>?)", "openings_pkey"},
	{"packedOpeningsSince", "20000", "SEARCH p USING INTEGER PRIMARY KEY (rowid>?)", "packed_openings_pkey"},
	{"packedOpeningsAt", "'req_00000007', 1", "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)", "packed_openings_pkey"},
	{"keepOpenings", "'x', 7, 'y'", "SEARCH packed_openings USING INTEGER PRIMARY KEY (rowid=?)", "packed_openings_pkey"},
	{"dropOpenings", "7, 'y'", "SEARCH packed_openings USING INTEGER PRIMARY KEY (rowid=?)", "packed_openings_pkey"},
	{"requestsSince", "20000, 'T/U7', '%U7%'", "SEARCH requests USING INDEX sqlite_autoindex_requests_1 (id=?)", "requests_pkey"},
	{"openRequestsNaming", "'T/U7', '%U7%'", "SEARCH requests USING INDEX requests_", "Index"},
	{"wordsSince", "20000, '%u7%'", "SEARCH request_words USING PRIMARY KEY (request=?)", "request_words_pkey"},
	{"jobsNaming", "0, '%U7%'", "SEARCH jobs USING INTEGER PRIMARY KEY (rowid>?)", ""}, // of what is to be done there is little
	{"inboxNamingSince", "19900, 'U7'", "SEARCH inbox USING INDEX inbox_handled (handled_at>?)", "inbox_handled"},
	{"inboxWaitingNaming", "'U7'", "SEARCH inbox USING INDEX inbox_handled (handled_at=?)", "inbox_handled"},
	{"eraseOpening", "'facts.reason', 'req_00000007', 1", "SEARCH openings USING INDEX sqlite_autoindex_openings_1 (entry=? AND path=?)", "openings_pkey"},
	{"eraseOpenings", "'T/U7'", "SEARCH openings USING INDEX openings_person (person=?)", "openings_person"},
	{"eraseInRequest", "'a', 'b', 'Q7', '{}', 'req_00000007', 1", "SEARCH requests USING INDEX sqlite_autoindex_requests_1 (id=?)", "requests_pkey"},
	{"eraseWords", "'T/U7'", "SEARCH request_words USING INDEX request_words_person", "request_words_person"},
	{"eraseWordsOf", "'req_00000007'", "SEARCH request_words USING PRIMARY KEY (request=?)", "request_words_pkey"},
	{"eraseIncident", "'Q7', 1700000007000, 'req_00000007'", "SEARCH request_incidents USING PRIMARY KEY (incident=? AND submitted_at=? AND request=?)", "request_incidents_pkey"},
	{"wordsOf", "'req_00000007', 'asked'", "SEARCH request_words USING PRIMARY KEY", "request_words_pkey"},
	{"eraseInWords", "'x', 'req_00000007', 'asked'", "SEARCH request_words USING PRIMARY KEY", "request_words_pkey"},
	{"eraseInInbox", "'slack:7'", "SEARCH inbox USING INDEX sqlite_autoindex_inbox_1 (key=?)", "inbox_pkey"},
	{"eraseInCards", "'T/U7', 'erased/1'", "SEARCH cards USING INDEX cards_person (person=?)", "cards_person"},
	{"eraseInPeople", "'erased/1', 'T/U7'", "SEARCH request_people USING COVERING INDEX request_people_at (person=?)", "request_people_at"},
	{"eraseInHoldings", "'erased/1', 'T/U7'", "SEARCH holdings USING COVERING INDEX sqlite_autoindex_holdings_1 (person=?)", ""},
	{"eraseInPasses", "'erased/1', 1, 'T/U7'", "SEARCH passes USING COVERING INDEX passes_holder (holder=?)", ""},
	{"eraseSignIns", "'T/U7'", "SEARCH sign_ins USING INDEX sign_ins_person (person=?)", ""},
	{"eraseLinks", "'T/U7'", "SEARCH links USING INDEX", ""},
}

// leavers is a past of which little came since the tree was given its last places.
const leavers = crowd + `
SET session_replication_role = replica;
INSERT INTO entries (id, chain, seq, at, verb, prev, hash, bytes) OVERRIDING SYSTEM VALUE
	SELECT n, 'req_' || lpad(n::text, 8, '0'), 1, n, 'x', '', n::text, '{}' FROM generate_series(1, 20000) n;
INSERT INTO leaves SELECT n, n FROM generate_series(1, 19990) n;
INSERT INTO unsequenced SELECT n FROM generate_series(19991, 20000) n;
INSERT INTO openings SELECT n, 'facts.reason', 'T/U' || n % 2000, '', 'because' FROM generate_series(1, 20000) n;
INSERT INTO packed_openings SELECT n, 'doc' FROM generate_series(1, 20000) n;
INSERT INTO cards SELECT 'c' || n, 'req_' || lpad(n::text, 8, '0'), 'requester', 'T/U' || n % 2000, '', '', '', '', 1, 1 FROM generate_series(1, 20000) n;
INSERT INTO inbox SELECT 'slack:' || n, 'x', '{}', 1, n, 1 FROM generate_series(1, 20000) n;
SET session_replication_role = origin;`

// TestErasePlans: what an erasure does while nobody else writes takes an index each time:
// it costs what is about the person and what came since, and not what is stored.
func TestErasePlans(t *testing.T) {
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
		for _, q := range erasing {
			steps := strings.Join(plan(t, db, all[q.name]), "\n")
			if all[q.name] == "" || !strings.Contains(steps, q.lite) || strings.Contains(steps, "SCAN ") {
				t.Errorf("%s:\n%s", q.name, steps)
			}
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
		// One by one: in one transaction the second holds the tables of every other test.
		for _, stmt := range []string{leavers, "ANALYZE"} {
			if _, err := db.ExecContext(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
		all := compiled(t, "internal/postgresdb")
		for _, q := range erasing {
			if _, err := db.ExecContext(t.Context(), "PREPARE "+q.name+" AS "+all[q.name]); err != nil {
				t.Fatal(err)
			}
			steps := explained(t, db, "EXPLAIN EXECUTE "+q.name+" ("+q.args+")")
			if !strings.Contains(steps, q.post) || scanned.MatchString(steps) {
				t.Errorf("%s:\n%s", q.name, steps)
			}
		}
	})
}

// scanned is a whole table that grows for ever.
var scanned = regexp.MustCompile(`Seq Scan on (entries|leaves|openings|packed_openings|requests|request_people|request_words|cards|inbox)\b`)

// TestEraseLateCommit: on PostgreSQL an entry may be committed after others with higher
// ids. One that was not there yet when it was looked is found by the erasure.
func TestEraseLateCommit(t *testing.T) {
	t.Parallel()
	const leaver = flows.PersonID("T/UGONE")
	dsn := storetest.Postgres(t)
	s := mustOpen(t, store.Options{DSN: dsn, Migrate: true})
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	sealed, _, err := flows.Seal("calls/late", flows.ChainHead{}, []flows.Entry{{Verb: "x", At: noon, Facts: map[string]any{"from": flows.Personal{About: leaver, Value: "192.0.2.7"}}}}, func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	late, id := sealed[0], 0
	if err := tx.QueryRowContext(t.Context(), "INSERT INTO entries (chain, seq, at, verb, prev, hash, bytes) VALUES ($1, 1, $2, 'x', '', $3, $4) RETURNING id",
		late.Chain, noon.UnixMilli(), late.Hash, string(late.Bytes)).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO openings (entry, path, person, salt, value) VALUES ($1, 'facts.from', $2, '', '192.0.2.7')", id, leaver); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"1", "2"} { // under higher ids, and in the tree before it
		if err := decide(t.Context(), s, other); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sequence(t.Context(), 100); n != 4 || err != nil {
		t.Fatalf("%d entries have places, %v", n, err)
	}
	foot, err := s.Footprint(t.Context(), leaver, "")
	if err != nil || len(foot.Openings) != 0 {
		t.Fatalf("%+v, %v", foot, err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sequence(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	erase := func() error {
		_, err := s.Erase(t.Context(), flows.Erasure{Person: leaver, Pseudonym: "erased/1", Footprint: foot})
		return err
	}
	if err := erase(); !errors.Is(err, flows.ErrConflict) || !strings.Contains(err.Error(), "were not there before") {
		t.Errorf("an opening that was committed late: %v", err)
	}
	if foot, err = s.Footprint(t.Context(), leaver, ""); err != nil || len(foot.Openings) != 1 {
		t.Fatalf("%+v, %v", foot, err)
	}
	if err := erase(); err != nil {
		t.Error(err)
	}
}
