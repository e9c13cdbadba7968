// Package migrations holds the database schemas as numbered SQL files, one folder a
// dialect, and embeds them. It imports nothing of ours; package store applies them.
// Every file opens with a comment that says why it is there. A file that was released
// is never edited: the next change is the next number, and it must leave a schema
// that the release before can still work on.
//
// Read first: sqlite/00001_tables.sql, then sqlite/00002_rules.sql. The postgres
// folder has the same tables, columns and rules under the same numbers.
package migrations

import "embed"

// SQLite is the schema for SQLite: files under "sqlite".
//
//go:embed sqlite/*.sql
var SQLite embed.FS

// Postgres is the schema for PostgreSQL: files under "postgres".
//
//go:embed postgres/*.sql
var Postgres embed.FS
