package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"breakglass/store/internal/postgresdb"
)

// ErrNotHere says that a database is backed up and restored by its own tools.
var ErrNotHere = errors.New("PostgreSQL is backed up and restored by its own tools: pg_dump --format=custom, pg_restore, or a copy of the server")

// Backup writes a copy of a SQLite database to a new file that only its owner can read:
// one moment of it, whole, while a server goes on writing. ErrNotHere for PostgreSQL.
func Backup(ctx context.Context, from, file string) (err error) {
	if !strings.HasPrefix(from, "sqlite:") && strings.Contains(from, "://") {
		return ErrNotHere
	}
	path, err := filepath.Abs(strings.TrimPrefix(from, "sqlite:"))
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	f, err := os.OpenFile(filepath.Clean(file), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // VACUUM INTO fills an empty file
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(fmt.Errorf("back up: %w", err), os.Remove(file)) // half a backup is none
		}
	}()
	pool, err := sql.Open("sqlite", dsn(path, "mode=ro"))
	if err != nil {
		return err
	}
	if _, err := pool.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return errors.Join(err, pool.Close())
	}
	return errors.Join(pool.Close(), f.Sync())
}

// Restore puts a backup where a SQLite database is, or was. No process may serve it. What
// was there is kept beside it, under the name that is returned. The restored database
// says that it is one (Restored), until AcceptRestore.
func Restore(ctx context.Context, file, to string, now time.Time) (kept string, err error) {
	if !strings.HasPrefix(to, "sqlite:") && strings.Contains(to, "://") {
		return "", ErrNotHere
	}
	path, err := filepath.Abs(strings.TrimPrefix(to, "sqlite:"))
	if err != nil {
		return "", err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	fresh := path + ".restoring"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("restore: %w", err)
	}
	if err := Backup(ctx, "sqlite:"+file, fresh); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	if err := markRestored(ctx, fresh, now); err != nil {
		return "", errors.Join(fmt.Errorf("restore: %w", err), os.Remove(fresh))
	}
	if _, err := os.Stat(path); err == nil {
		if kept, err = putAside(ctx, path, now); err != nil {
			return "", errors.Join(fmt.Errorf("restore: keep what is there: %w", err), os.Remove(fresh))
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return kept, fmt.Errorf("restore: %w", err)
	}
	return kept, syncDir(filepath.Dir(path))
}

// putAside renames a database, with what waits in its log.
func putAside(ctx context.Context, path string, now time.Time) (string, error) {
	pool, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return "", err
	}
	// One that is damaged cannot take its log in; then its log is renamed with it.
	_, _ = pool.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := pool.Close(); err != nil {
		return "", err
	}
	kept := path + ".before-" + now.UTC().Format("20060102T150405")
	for _, suffix := range []string{"", "-wal"} {
		if err := os.Rename(path+suffix, kept+suffix); err != nil && (suffix == "" || !errors.Is(err, os.ErrNotExist)) {
			return "", err
		}
	}
	if err := os.Remove(path + "-shm"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return kept, nil
}

func markRestored(ctx context.Context, path string, now time.Time) error {
	pool, err := sql.Open("sqlite", dsn(path, "_pragma=synchronous(FULL)"))
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES ('restored', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		strconv.FormatInt(now.UnixMilli(), 10))
	return errors.Join(err, pool.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Restored is when the database was restored from a backup; false if it was not, or
// that was accepted.
func (s *Store) Restored(ctx context.Context) (time.Time, bool, error) {
	v, err := s.tx.direct().GetMeta(ctx, "restored")
	if errors.Is(err, sql.ErrNoRows) || err == nil && v == "" {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read whether the store was restored: %w", err)
	}
	ms, err := strconv.ParseInt(v, 10, 64)
	return time.UnixMilli(ms).UTC(), true, err
}

// AcceptRestore notes that an admin accepts the store as it stands, and up to which
// published checkpoint (its hash) it was looked at.
func (s *Store) AcceptRestore(ctx context.Context, upTo string) error {
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		return errors.Join(
			q.PutMeta(ctx, postgresdb.PutMetaParams{Name: "restored", Value: ""}),
			q.PutMeta(ctx, postgresdb.PutMetaParams{Name: "accepted", Value: upTo}),
			q.PutMeta(ctx, postgresdb.PutMetaParams{Name: "accepted_at", Value: strconv.FormatInt(millis(s.now()), 10)}),
		)
	})
	if err != nil {
		return fmt.Errorf("accept the restored store: %w", err)
	}
	return nil
}

// Accepted is what the last AcceptRestore was told; empty if there was none.
func (s *Store) Accepted(ctx context.Context) (string, error) {
	v, err := s.tx.direct().GetMeta(ctx, "accepted")
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read what was accepted of the store: %w", err)
	}
	return v, nil
}

// AcceptedAt is when that was; the zero time if there was none.
func (s *Store) AcceptedAt(ctx context.Context) (time.Time, error) {
	v, err := s.tx.direct().GetMeta(ctx, "accepted_at")
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the store was accepted: %w", err)
	}
	ms, err := strconv.ParseInt(v, 10, 64)
	return fromMillis(ms), err
}
