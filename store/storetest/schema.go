package storetest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"breakglass/flows"
)

func schemaCases() []contractCase {
	return []contractCase{
		{"Schema/States", schemaStates},
		{"Schema/Transitions", schemaTransitions},
		{"Schema/LifecycleHolds", schemaLifecycleHolds},
		{"Schema/Refuses", schemaRefuses},
		{"Schema/OpeningsMayGo", func(f *fixture) {
			db := f.raw()
			f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
			if _, err := db.ExecContext(f.ctx, "DELETE FROM packed_openings"); err != nil {
				f.Fatal(err)
			}
			f.same(0, len(f.entries("req_1")[0].Openings))
		}},
	}
}

// schemaStates: the database takes exactly the states the life cycle has.
func schemaStates(f *fixture) {
	db := f.raw()
	f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	if _, err := db.ExecContext(f.ctx, "INSERT INTO transitions (from_state, to_state) SELECT 'submitted', 'resting'"); err != nil {
		f.Fatal(err)
	}
	err := undone(f, db, "UPDATE requests SET version = version + 1, state = 'resting'")
	if err == nil || !strings.Contains(err.Error(), "requests_state") && !strings.Contains(err.Error(), "CHECK") {
		f.Errorf("a state that the life cycle does not have: %v", err)
	}
	for _, s := range flows.States() {
		step := fmt.Sprintf("INSERT INTO transitions (from_state, to_state) VALUES ('submitted', '%s') ON CONFLICT DO NOTHING", s)
		if _, err := db.ExecContext(f.ctx, step); err != nil {
			f.Fatal(err)
		}
		if err := undone(f, db, fmt.Sprintf("UPDATE requests SET version = version + 1, state = '%s'", s)); err != nil {
			f.Errorf("state %s: %v", s, err)
		}
	}
}

// schemaTransitions: the table that the trigger reads is the life cycle.
func schemaTransitions(f *fixture) {
	rows, err := f.raw().QueryContext(f.ctx, "SELECT from_state, to_state FROM transitions ORDER BY from_state, to_state")
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	var got, want []string
	for rows.Next() {
		var from, to string
		if err := rows.Scan(&from, &to); err != nil {
			f.Fatal(err)
		}
		got = append(got, from+" to "+to)
	}
	f.is(rows.Err(), nil)
	for _, s := range flows.Lifecycle() {
		if step := string(s.From) + " to " + string(s.To); !slices.Contains(want, step) {
			want = append(want, step)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	f.same(want, got)
}

// undone runs a statement in a transaction that is never committed.
func undone(f *fixture, db *sql.DB, statement string) error {
	f.Helper()
	tx, err := db.BeginTx(f.ctx, nil)
	if err != nil {
		f.Fatal(err)
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(f.ctx, statement)
	return err
}

// schemaLifecycleHolds tries every pair of states around the store.
func schemaLifecycleHolds(f *fixture) {
	db := f.raw()
	for _, from := range flows.States() {
		id := flows.RequestID("req_" + from)
		f.walk(asks(id, flows.PersonID("T/"+from), "db"), pathTo(from)...)
		for _, to := range flows.States() {
			err := undone(f, db, fmt.Sprintf("UPDATE requests SET version = version + 1, state = '%s' WHERE id = '%s'", to, id))
			if allowed := from == to || mayStep(from, to); allowed != (err == nil) {
				f.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

// schemaRefuses is what no program may do to the database, and what it is told.
func schemaRefuses(f *fixture) {
	db := f.raw()
	r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	f.apply(flows.Change{Holding: &flows.Holding{Key: r.Content.Key(), Version: 1}})
	f.write(in("l", job("a", "1", noon)), in("l", job("a", "2", noon)))
	if _, err := db.ExecContext(f.ctx, "INSERT INTO openings (entry, path, person, salt, value) SELECT entry, 'facts.x', '', doc, 'y' FROM packed_openings"); err != nil {
		f.Fatal(err)
	}
	entry := "INSERT INTO entries (chain, seq, at, verb, prev, hash, bytes) VALUES "
	for statement, why := range map[string]string{
		"UPDATE entries SET bytes = 'x'":                                                             "append-only",
		"UPDATE entries SET verb = verb":                                                             "append-only",
		"DELETE FROM entries":                                                                        "append-only",
		entry + "('req_1', 3, 0, 'x', '" + r.Chain.Hash + "', 'h', 'b')":                             "does not follow",
		entry + "('req_1', 2, 0, 'x', 'other', 'h', 'b')":                                            "does not follow",
		entry + "('new', 2, 0, 'x', '', 'h', 'b')":                                                   "does not follow",
		entry + "('new', 1, 0, 'x', 'y', 'h', 'b')":                                                  "does not follow",
		entry + "('req_1', 1, 0, 'x', '', 'h', 'b')":                                                 "chain",
		"UPDATE chains SET len = 2":                                                                  "head of a chain",
		"UPDATE chains SET hash = 'x'":                                                               "head of a chain",
		"INSERT INTO chains (chain, len, hash) VALUES ('x', 1, 'y')":                                 "head of a chain",
		"DELETE FROM chains":                                                                         "never shrinks",
		"UPDATE openings SET value = 'x'":                                                            "never changed",
		"UPDATE packed_openings SET doc = doc":                                                       "never changed",
		"UPDATE packed_openings SET entry = entry + 1":                                               "never changed",
		"DELETE FROM requests":                                                                       "never deleted",
		"UPDATE requests SET doc = '{}'":                                                             "exactly one",
		"UPDATE requests SET version = version + 2":                                                  "exactly one",
		"UPDATE requests SET version = version + 1, beneficiary = 'T/UEVE'":                          "never changes",
		"UPDATE requests SET version = version + 1, target = 'other'":                                "never changes",
		"UPDATE requests SET version = version + 1, id = 'req_2'":                                    "never changes",
		"UPDATE requests SET version = version + 1, state = 'active'":                                "no such step",
		"UPDATE holdings SET doc = '{}'":                                                             "exactly one",
		"UPDATE holdings SET version = version + 1, person = 'T/UEVE'":                               "key stays",
		"DELETE FROM holdings":                                                                       "never deleted",
		"INSERT INTO holdings (person, target, scope, version, doc) VALUES ('a', 'b', 'c', 2, '{}')": "version 1",
		"UPDATE meta SET value = 'x' WHERE name = 'store_id'":                                        "never change",
		"DELETE FROM meta WHERE name = 'store_id'":                                                   "never change",
		"INSERT INTO meta (name, value) VALUES ('world', 'imagined')":                                "real or simulated",
		"UPDATE jobs SET leased_to = 'x', lease_until = 1":                                           "unique",
	} {
		err := undone(f, db, statement)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), why) {
			f.Errorf("%s\n\t%v, want it refused with %q", statement, err, why)
		}
	}
}
