package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// pastCache is how much of a file is kept in memory while it is filled, in KiB: keys
// that come in no order would otherwise be read again for each row.
const pastCache = 512 << 10

var _ filler = (*sqliteDB)(nil)

func (db *sqliteDB) fill(ctx context.Context, r *rows, first int64) error {
	w := db.writer
	return db.write(ctx, nil, func(ctx context.Context, _ queries) error {
		rules, err := suspend(ctx, w.conn)
		if err != nil {
			return err
		}
		if _, err := w.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA cache_size = -%d", pastCache)); err != nil {
			return err
		}
		for _, table := range tables {
			if err := insert(ctx, w.conn, table, r, first); err != nil {
				return fmt.Errorf("%s: %w", table.name, err)
			}
		}
		for _, rule := range rules {
			if _, err := w.conn.ExecContext(ctx, rule); err != nil {
				return err
			}
		}
		return nil
	})
}

// suspend drops the triggers, within the transaction, and returns what makes them again.
func suspend(ctx context.Context, conn *sql.Conn) (rules []string, err error) {
	found, err := conn.QueryContext(ctx, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid")
	if err != nil {
		return nil, err
	}
	var names []string
	for found.Next() {
		var name, rule string
		if err := found.Scan(&name, &rule); err != nil {
			return nil, errors.Join(err, found.Close())
		}
		names, rules = append(names, name), append(rules, rule)
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := conn.ExecContext(ctx, `DROP TRIGGER "`+name+`"`); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// insertAtOnce is how many rows one statement writes: most of its cost is its call.
const insertAtOnce = 32

func insert(ctx context.Context, conn *sql.Conn, t table, r *rows, first int64) error {
	for from, n := 0, t.len(r); from < n; {
		group, to := insertAtOnce, n
		if n-from < group {
			group = 1
		} else {
			to = from + (n-from)/group*group
		}
		if err := insertGroups(ctx, conn, t, r, first, from, to, group); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// insertGroups writes the rows from up to, not including, to, a group at a time.
func insertGroups(ctx context.Context, conn *sql.Conn, t table, r *rows, first int64, from, to, group int) error {
	one := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	stmt, err := conn.PrepareContext(ctx, "INSERT INTO "+t.name+" ("+strings.Join(t.columns, ", ")+") VALUES "+one+strings.Repeat(", "+one, group-1))
	if err != nil {
		return err
	}
	values := make([]any, 0, group*len(t.columns))
	for ; err == nil && from < to; from += group {
		values = values[:0]
		for i := range group {
			values = append(values, t.row(r, first, from+i)...)
		}
		_, err = stmt.ExecContext(ctx, values...)
	}
	return errors.Join(err, stmt.Close())
}

func (db *sqliteDB) settle(ctx context.Context) error {
	return db.write(ctx, nil, func(ctx context.Context, _ queries) error {
		_, err := db.writer.conn.ExecContext(ctx, "PRAGMA cache_size = -2000") // as it comes
		return err
	})
}
