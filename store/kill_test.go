package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

// victimOf names, in the environment of a child process, the database it writes to
// until it is killed.
const victimOf = "BREAKGLASS_TEST_VICTIM_OF"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(victimOf); dsn != "" {
		fmt.Println("error:", victim(context.Background(), dsn))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// victim writes as fast as it can with many callers and says what was acknowledged, a
// line each, after it was.
func victim(ctx context.Context, dsn string) error {
	s, err := store.Open(ctx, store.Options{DSN: dsn, Now: time.Now})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	var n atomic.Int64
	failed := make(chan error, callers)
	for range 16 {
		go func() {
			for {
				key := fmt.Sprintf("%d.%d", os.Getpid(), n.Add(1))
				if err := accept(ctx, s, key); err != nil {
					failed <- err
					return
				}
				say("row " + key)
				if err := decide(ctx, s, key); err != nil {
					failed <- err
					return
				}
				say("decision " + key)
			}
		}()
	}
	return <-failed
}

// say writes a whole line at once.
func say(line string) {
	if _, err := os.Stdout.WriteString(line + "\n"); err != nil {
		panic(err) // nobody listens any more
	}
}

// TestKill kills a process in mid-load with SIGKILL, again and again on one file.
// Nothing that was acknowledged may be lost, nothing may be half there.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := 50
	switch {
	case testing.Short():
		kills = 5
	case raceDetector: // the plain run kills; here it looks at what goes on in between
		kills = 15
	}
	killed(t, store.Options{DSN: filepath.Join(t.TempDir(), "kill.db")}, kills, func() {})
}

func TestKillOnPostgres(t *testing.T) {
	t.Parallel()
	kills := 10
	if testing.Short() {
		kills = 2
	}
	dsn := storetest.Postgres(t) + "&application_name=victim"
	killed(t, store.Options{DSN: dsn, Migrate: true}, kills, func() { noVictims(t, dsn) })
}

// noVictims waits until the server has noticed that its clients are dead.
func noVictims(t *testing.T, dsn string) {
	t.Helper()
	db, err := sql.Open("pgx", strings.TrimSuffix(dsn, "&application_name=victim"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for left := 1; left > 0; {
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim'").Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
}

func killed(t *testing.T, o store.Options, kills int, settle func()) {
	t.Helper()
	if err := mustOpen(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	var acked []string
	for range kills {
		acked = append(acked, oneKill(t, o.DSN, random)...)
	}
	settle()
	s := mustOpen(t, o)
	rows, decisions := 0, 0
	for _, line := range acked {
		what, key, _ := strings.Cut(line, " ")
		switch what {
		case "row":
			rows++
			if _, err := s.InboxRow(t.Context(), key); err != nil {
				t.Fatalf("an acknowledged row: %v", err)
			}
		case "decision":
			decisions++
			if r, err := s.Load(t.Context(), flows.RequestID("req_"+key)); err != nil || r.Request.State != flows.StateDenied {
				t.Fatalf("an acknowledged decision: %s, %v", r.Request.State, err)
			}
		default:
			t.Fatalf("the victim says %q", line)
		}
	}
	t.Logf("%d kills, %d rows and %d decisions acknowledged, none lost", kills, rows, decisions)
	if rows < kills || decisions < kills {
		t.Errorf("only %d rows and %d decisions in %d kills", rows, decisions, kills)
	}
	if err := s.VerifyTail(t.Context(), 0); err != nil {
		t.Error(err)
	}
	wholeOrNotAtAll(t, s)
}

// oneKill starts a victim, lets it work for a moment and kills it. It returns what the
// victim said was acknowledged.
func oneKill(t *testing.T, dsn string, random *rand.Rand) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimOf+"="+dsn)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the victim did not start: %q", lines.Text())
	}
	var acked []string
	for enough := 2 + random.IntN(150); lines.Scan(); {
		if acked = append(acked, lines.Text()); len(acked) == enough {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the victim ended by itself: %v\n%v", err, acked)
	}
	return acked
}

// wholeOrNotAtAll checks that each row has its job and each request its entries.
func wholeOrNotAtAll(t *testing.T, s *store.Store) {
	t.Helper()
	st := mustStats(t, s)
	jobs := map[flows.JobKind]int{}
	for _, j := range st.Jobs {
		jobs[j.Kind] = j.Stored
	}
	if jobs[flows.JobInbox] != st.Unhandled {
		t.Errorf("%d inbox rows have %d jobs", st.Unhandled, jobs[flows.JobInbox])
	}
	filter := flows.RequestFilter{Limit: 500}
	notices, requests := 0, 0
	for {
		page, err := s.Requests(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			requests++
			notices += int(r.Version)
			if r.Chain.Len != r.Version {
				t.Fatalf("request %s at version %d has %d entries", r.ID, r.Version, r.Chain.Len)
			}
		}
		if len(page) < filter.Limit {
			break
		}
		filter.Before = page[len(page)-1].ID
	}
	if jobs[flows.JobNotice] != notices || jobs[flows.JobCard] != requests {
		t.Errorf("%d steps of %d requests have %d notices and %d cards", notices, requests, jobs[flows.JobNotice], jobs[flows.JobCard])
	}
}
