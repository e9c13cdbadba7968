package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres is a fresh, empty schema on a throw-away PostgreSQL cluster; it is dropped
// when the test ends. There is one cluster a test binary, started at first use,
// reachable by a socket in its own folder only, and gone when the process ends, however
// it ends. (A database of its own would take half a second a test; a schema takes
// milliseconds.) Without PostgreSQL's binaries the test is skipped by name, and with
// CI=true in the environment it fails. The result is a DSN for store.Open.
func Postgres(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() { shared.cluster, shared.err = startCluster(t.Context()) })
	c, err := shared.cluster, shared.err
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("PostgreSQL is needed in CI: %v", err)
		}
		t.Skipf("PostgreSQL: %v", err)
	}
	name := "t" + strconv.FormatInt(c.schemas.Add(1), 10)
	if err := c.exec(t.Context(), "CREATE SCHEMA "+name); err != nil {
		t.Fatalf("create a schema for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := c.exec(context.WithoutCancel(t.Context()), "DROP SCHEMA "+name+" CASCADE"); err != nil {
			t.Errorf("drop the test's schema: %v", err)
		}
	})
	return c.dsn(name)
}

// shared is the one cluster of this process.
var shared struct {
	once    sync.Once
	cluster *pgCluster
	err     error
}

type pgCluster struct {
	dir     string
	schemas atomic.Int64
	keep    *os.File // the cluster lives as long as this end of a pipe is open
}

func (c *pgCluster) dsn(schema string) string {
	q := url.Values{"host": {c.dir}, "user": {"breakglass"}, "sslmode": {"disable"}, "search_path": {schema}}
	return "postgres:///postgres?" + q.Encode()
}

func (c *pgCluster) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.dsn("public"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// script makes the cluster and serves it until its standard input ends, then removes
// it. It runs as the cluster's user. The default collation is a linguistic one where
// there is one, so that a comparison that forgot its collation is noticed.
const script = `
cd "$DIR" || exit 1
init() { "$BIN/initdb" -D data -U breakglass -A trust -E UTF8 --no-sync "$@" >>log 2>&1; }
init --locale=C --locale-provider=icu --icu-locale=en || { rm -rf data; init --locale=C; } || exit 1
"$BIN/postgres" -D data -k "$DIR" -c listen_addresses= -c max_connections=200 -c shared_buffers=64MB -c deadlock_timeout=20ms \
	-c fsync="$FSYNC" -c full_page_writes="$FSYNC" >>log 2>&1 &
server=$!
read -r _
kill -INT $server
wait $server
cd / && rm -rf "$DIR"
`

func startCluster(ctx context.Context) (*pgCluster, error) {
	bin, err := pgBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "breakglass-pg-")
	if err != nil {
		return nil, err
	}
	fsync := "off"
	if os.Getenv("BREAKGLASS_TEST_PG_FSYNC") == "on" { // for benchmarks
		fsync = "on"
	}
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = []string{"BIN=" + bin, "DIR=" + dir, "FSYNC=" + fsync, "PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	if err := unprivileged(cmd, dir); err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin = theirs
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a cluster: %w", err)
	}
	if err := theirs.Close(); err != nil {
		return nil, err
	}
	c := &pgCluster{dir: dir, keep: ours}
	return c, c.await(ctx)
}

// await waits until the cluster answers.
func (c *pgCluster) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		err := c.exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("the cluster does not answer: %w\n%s", err, log)
		}
	}
}

// pgBin finds PostgreSQL's programs, the newest version first.
func pgBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	sort.Slice(found, func(i, k int) bool { return pgVersion(found[i]) > pgVersion(found[k]) })
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("its binaries are not on this machine (looked in /usr/lib/postgresql/*/bin and the PATH)")
	}
	return filepath.Dir(found[0]), nil
}

func pgVersion(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}
