package bottest_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
)

// BenchmarkRealEntries is what the entries of real requests take on disk, with all their
// evidence: every other one approved by the person on call, the others by a manager, each
// ended by its time. None names an incident; those that do, as most of the ones that
// `audit generate` makes up, carry how that was read, too.
func BenchmarkRealEntries(b *testing.B) {
	s := bottest.Open(b)
	for i := range b.N {
		who := []string{company.Dana, company.Sam}[i%2]
		reason := fmt.Sprintf("stuck payouts since 02:40, looking for what holds the queue, OPS-%d", i)
		s.As(who).Asks("Production database", reason, nil)
		switch who {
		case company.Dana:
			s.As(who).Presses(s.As(who).Sees("You asked for Production database", "you may approve this yourself", reason), "bg:approve")
		default:
			s.As(company.Mara).Presses(s.As(company.Mara).Sees("asks for Production database", "Waiting for you", reason), "bg:approve")
		}
		s.As(who).Sees("You have access to Production database until")
		s.FastForward(40 * time.Minute)
		s.Overlook()
	}
	db, err := sql.Open("sqlite", "file:"+s.DatabaseFile()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var entries, bytes, all float64
	err = db.QueryRowContext(b.Context(), `SELECT count(*), sum(length(packed)), (SELECT sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name
		WHERE d.aggregate = TRUE AND s.tbl_name IN ('entries', 'openings', 'packed_openings', 'chains', 'leaves', 'unsequenced', 'tree', 'checkpoints', 'witnesses')) FROM entries`).Scan(&entries, &bytes, &all)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(entries/float64(b.N), "entries/request")
	b.ReportMetric(bytes/entries, "B/entry-packed")
	b.ReportMetric(all/entries, "B/entry-on-disk")
}
