-- Why: the tree over the audit entries. An entry that is written waits in unsequenced;
-- a job gives those that wait their places in leaves, once and in one order, so that
-- writers never wait for the tree. tree holds the hashes of complete subtrees of 256
-- leaves and of those above them (what lies below is made from the entries' own
-- hashes). checkpoints are the signed heads, witnesses the places outside this
-- database that have them. Nothing of it is ever changed.

-- +goose Up
CREATE TABLE unsequenced (
    entry INTEGER NOT NULL PRIMARY KEY
) STRICT;

CREATE TABLE leaves (
    idx   INTEGER NOT NULL PRIMARY KEY CHECK (idx >= 0),
    entry INTEGER NOT NULL UNIQUE REFERENCES entries (id)
) STRICT;

CREATE TABLE tree (
    level INTEGER NOT NULL CHECK (level >= 8),
    n     INTEGER NOT NULL CHECK (n >= 0),
    hash  BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    size INTEGER NOT NULL PRIMARY KEY CHECK (size >= 1),
    root BLOB    NOT NULL CHECK (length(root) = 32),
    at   INTEGER NOT NULL,
    note TEXT    NOT NULL CHECK (note <> '')
) STRICT;

CREATE TABLE witnesses (
    kind  TEXT    NOT NULL CHECK (kind <> ''),
    size  INTEGER NOT NULL REFERENCES checkpoints (size),
    place TEXT    NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (kind, size, place)
) STRICT, WITHOUT ROWID;

INSERT INTO unsequenced (entry) SELECT id FROM entries;

-- +goose StatementBegin
CREATE TRIGGER entries_wait AFTER INSERT ON entries
BEGIN
    INSERT INTO unsequenced (entry) VALUES (NEW.id);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER unsequenced_keep_update BEFORE UPDATE ON unsequenced
BEGIN
    SELECT RAISE(ABORT, 'unsequenced: an entry waits until it has its place');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER unsequenced_keep_delete BEFORE DELETE ON unsequenced
WHEN NOT EXISTS (SELECT 1 FROM leaves WHERE entry = OLD.entry)
BEGIN
    SELECT RAISE(ABORT, 'unsequenced: an entry waits until it has its place');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER leaves_follow BEFORE INSERT ON leaves
WHEN NEW.idx <> coalesce((SELECT max(idx) FROM leaves), -1) + 1
BEGIN
    SELECT RAISE(ABORT, 'leaves: the places of entries have no gap');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER leaves_keep_update BEFORE UPDATE ON leaves
BEGIN
    SELECT RAISE(ABORT, 'leaves: the order of the tree is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER leaves_keep_delete BEFORE DELETE ON leaves
BEGIN
    SELECT RAISE(ABORT, 'leaves: the order of the tree is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tree_keep_update BEFORE UPDATE ON tree
BEGIN
    SELECT RAISE(ABORT, 'tree: its hashes are append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER tree_keep_delete BEFORE DELETE ON tree
BEGIN
    SELECT RAISE(ABORT, 'tree: its hashes are append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER checkpoints_follow BEFORE INSERT ON checkpoints
WHEN NEW.size <= coalesce((SELECT max(size) FROM checkpoints), 0)
    OR NEW.size > coalesce((SELECT max(idx) FROM leaves), -1) + 1
BEGIN
    SELECT RAISE(ABORT, 'checkpoints: a checkpoint is of more entries than the one before, and of no more than there are');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER checkpoints_keep_update BEFORE UPDATE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints: signed heads are append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER checkpoints_keep_delete BEFORE DELETE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints: signed heads are append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER witnesses_keep_update BEFORE UPDATE ON witnesses
BEGIN
    SELECT RAISE(ABORT, 'witnesses: what was published is append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER witnesses_keep_delete BEFORE DELETE ON witnesses
BEGIN
    SELECT RAISE(ABORT, 'witnesses: what was published is append-only');
END;
-- +goose StatementEnd
