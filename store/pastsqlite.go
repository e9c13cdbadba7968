package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// pastCache is how much of a file is kept in memory while it is filled, in KiB: keys
// that come in no order would otherwise be read again for each row.
const pastCache = 512 << 10

// litePast fills a SQLite file.
type litePast struct {
	db      *sqliteDB
	indexes []string // that are made at the end
}

func (db *sqliteDB) filler(ctx context.Context) (filler, error) {
	p := &litePast{db: db}
	return p, db.write(ctx, nil, func(ctx context.Context, _ queries) error {
		var err error
		if p.indexes, err = suspend(ctx, db.writer.conn, "index"); err != nil {
			return err
		}
		_, err = db.writer.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA cache_size = -%d", pastCache))
		return err
	})
}

func (p *litePast) fill(ctx context.Context, r *rows, first int64) error {
	w := p.db.writer
	return p.db.write(ctx, nil, func(ctx context.Context, _ queries) error {
		rules, err := suspend(ctx, w.conn, "trigger")
		if err != nil {
			return err
		}
		for _, table := range tables {
			if err := insert(ctx, w.conn, table, r, first); err != nil {
				return fmt.Errorf("%s: %w", table.name, err)
			}
		}
		return resume(ctx, w.conn, rules)
	})
}

// suspend drops what is of a type (triggers, or the indexes of what is filled that hold
// no rule), within the transaction, and returns what makes it again.
func suspend(ctx context.Context, conn *sql.Conn, what string) (makes []string, err error) {
	found, err := conn.QueryContext(ctx, "SELECT name, sql, tbl_name FROM sqlite_schema WHERE type = ? AND sql NOT LIKE 'CREATE UNIQUE%' ORDER BY rowid", what)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var names []string
	for found.Next() {
		var name, makesIt, of string
		if err := found.Scan(&name, &makesIt, &of); err != nil {
			return nil, err
		}
		if what == "trigger" || slices.ContainsFunc(tables[:], func(t table) bool { return t.name == of }) {
			names, makes = append(names, name), append(makes, makesIt)
		}
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil { // a table in use cannot change
		return nil, err
	}
	for _, name := range names {
		if _, err := conn.ExecContext(ctx, "DROP "+what+` "`+name+`"`); err != nil {
			return nil, err
		}
	}
	return makes, nil
}

func resume(ctx context.Context, conn *sql.Conn, makes []string) error {
	for _, makesIt := range makes {
		if _, err := conn.ExecContext(ctx, makesIt); err != nil {
			return err
		}
	}
	return nil
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
func insertGroups(ctx context.Context, conn *sql.Conn, t table, r *rows, first int64, from, to, group int) (err error) {
	one := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	query := fmt.Sprintf("INSERT INTO %s (%s) VALUES %s%s", t.name, strings.Join(t.columns, ", "), one, strings.Repeat(", "+one, group-1)) //nolint:gosec // the names are our own
	stmt, err := conn.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	values := make([]any, 0, group*len(t.columns))
	for ; err == nil && from < to; from += group {
		values = values[:0]
		for i := range group {
			values = append(values, t.row(r, first, from+i)...)
		}
		_, err = stmt.ExecContext(ctx, values...)
	}
	return err
}

func (p *litePast) settle(ctx context.Context) error {
	for _, index := range p.indexes { // one by one: each is sorted in memory
		err := p.db.write(ctx, nil, func(ctx context.Context, _ queries) error {
			return resume(ctx, p.db.writer.conn, []string{index})
		})
		if err != nil {
			return err
		}
	}
	return p.db.write(ctx, nil, func(ctx context.Context, _ queries) error {
		_, err := p.db.writer.conn.ExecContext(ctx, "PRAGMA cache_size = -2000") // as it comes
		return err
	})
}
