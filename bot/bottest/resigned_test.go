package bottest_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
)

// Somebody who can write into the database, and has not the key, wants their audit log
// signed: Breakglass, which runs, does not sign what is not the log that it signed before.
func TestAnAlteredLogIsNotSigned(t *testing.T) {
	t.Parallel()
	for what, statements := range map[string][]string{
		"all checkpoints are gone":        {"DROP TRIGGER checkpoints_keep_delete", "DELETE FROM checkpoints"},
		"the newest is gone":              {"DROP TRIGGER checkpoints_keep_delete", "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)"},
		"an entry is another":             {"DROP TRIGGER entries_keep_update", "UPDATE entries SET hash = lower(hex(randomblob(32))) WHERE id = 2"},
		"and so is every checkpoint":      {"DROP TRIGGER entries_keep_update", "UPDATE entries SET hash = lower(hex(randomblob(32))) WHERE id = 2", "DROP TRIGGER checkpoints_keep_delete", "DELETE FROM checkpoints"},
		"a checkpoint is nobody's":        {"DROP TRIGGER checkpoints_keep_update", "UPDATE checkpoints SET note = substr(note, 1, length(note) - 30) || 'AAAA' || substr(note, length(note) - 25)"},
		"a checkpoint is of another size": {"DROP TRIGGER checkpoints_keep_update", "UPDATE checkpoints SET size = size - 1 WHERE size = (SELECT max(size) FROM checkpoints)"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t)
			givenBy(s, "Production database")
			s.FastForward(time.Minute)
			_, maras, _ := askedManagers(s, "Production console", "restart the importer")
			s.FastForward(time.Minute)
			db, err := sql.Open("sqlite", "file:"+s.DatabaseFile()+"?_pragma=busy_timeout(5000)")
			must(t, err)
			defer db.Close()
			signed := func() (n int) {
				must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM checkpoints").Scan(&n))
				return n
			}
			if signed() < 2 {
				t.Fatalf("%d checkpoints are signed", signed())
			}
			for _, statement := range statements {
				_, err := db.ExecContext(t.Context(), statement)
				must(t, err)
			}
			left := signed()
			s.As(company.Sam).Types("/access audit") // there is something to sign
			tick(s, "the log to be held to what was signed", func() bool {
				return strings.Contains(s.Log.String(), "the audit tree is not the one that was signed: end-only")
			})
			s.As(company.Mara).PressesOld(maras, "bg:approve")
			s.As(company.Mara).Told("Nothing can be granted right now: the audit log is not what was signed before")
			if signed() != left {
				t.Errorf("%d more are signed", signed()-left)
			}
			s.FastForward(31 * time.Minute) // what is due ends nevertheless
			s.Has()
			s.Overlook()
		})
	}
}
