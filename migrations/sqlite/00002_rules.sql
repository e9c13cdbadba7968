-- Why: what must hold is held by the database too, whatever a program does: the life
-- cycle, versions that rise by one, audit entries that are only ever added, each one
-- linked to the one before, and the world a store belongs to. (That a live request
-- has its revoke job is checked by the store inside the transaction: SQLite has no
-- deferred triggers, and the job is written after the request.)

-- +goose Up
INSERT INTO transitions (from_state, to_state) VALUES
    ('', 'submitted'),
    ('submitted', 'pending'), ('submitted', 'approved'), ('submitted', 'denied'),
    ('submitted', 'cancelled'), ('submitted', 'lapsed'),
    ('pending', 'pending'), ('pending', 'approved'), ('pending', 'denied'),
    ('pending', 'cancelled'), ('pending', 'lapsed'),
    ('approved', 'ending'), ('approved', 'lapsed'), ('approved', 'granting'),
    ('granting', 'active'), ('granting', 'ending'),
    ('active', 'ending'),
    ('ending', 'ended'), ('ending', 'failed'), ('ending', 'cancelled');

INSERT INTO meta (name, value) VALUES ('store_id', lower(hex(randomblob(16))));

-- +goose StatementBegin
CREATE TRIGGER meta_keep_update BEFORE UPDATE ON meta
WHEN OLD.name IN ('world', 'store_id')
BEGIN
    SELECT RAISE(ABORT, 'meta: the world and the id of a store never change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER meta_keep_delete BEFORE DELETE ON meta
WHEN OLD.name IN ('world', 'store_id')
BEGIN
    SELECT RAISE(ABORT, 'meta: the world and the id of a store never change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER meta_world BEFORE INSERT ON meta
WHEN NEW.name = 'world' AND NEW.value NOT IN ('real', 'simulated')
BEGIN
    SELECT RAISE(ABORT, 'meta: the world is real or simulated');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER requests_begin BEFORE INSERT ON requests
WHEN NEW.version <> 1
    OR NOT EXISTS (SELECT 1 FROM transitions WHERE from_state = '' AND to_state = NEW.state)
BEGIN
    SELECT RAISE(ABORT, 'requests: a request begins as submitted, at version 1');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER requests_step BEFORE UPDATE ON requests
WHEN OLD.state <> NEW.state
    AND NOT EXISTS (SELECT 1 FROM transitions WHERE from_state = OLD.state AND to_state = NEW.state)
BEGIN
    SELECT RAISE(ABORT, 'requests: the life cycle has no such step');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER requests_version BEFORE UPDATE ON requests
WHEN NEW.version <> OLD.version + 1
BEGIN
    SELECT RAISE(ABORT, 'requests: the version rises by exactly one');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER requests_keep BEFORE UPDATE ON requests
WHEN NEW.id <> OLD.id OR NEW.flow <> OLD.flow OR NEW.target <> OLD.target
    OR NEW.scope <> OLD.scope OR NEW.requester <> OLD.requester
    OR NEW.beneficiary <> OLD.beneficiary OR NEW.submitted_at <> OLD.submitted_at
BEGIN
    SELECT RAISE(ABORT, 'requests: what was asked never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER requests_stay BEFORE DELETE ON requests
BEGIN
    SELECT RAISE(ABORT, 'requests: a request is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER holdings_begin BEFORE INSERT ON holdings
WHEN NEW.version <> 1
BEGIN
    SELECT RAISE(ABORT, 'holdings: a holding begins at version 1');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER holdings_version BEFORE UPDATE ON holdings
WHEN NEW.version <> OLD.version + 1 OR NEW.person <> OLD.person
    OR NEW.target <> OLD.target OR NEW.scope <> OLD.scope
BEGIN
    SELECT RAISE(ABORT, 'holdings: the version rises by exactly one and the key stays');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER holdings_stay BEFORE DELETE ON holdings
BEGIN
    SELECT RAISE(ABORT, 'holdings: the fence of a holding is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entries_link BEFORE INSERT ON entries
WHEN NEW.seq <> coalesce((SELECT len FROM chains WHERE chain = NEW.chain), 0) + 1
    OR NEW.prev <> coalesce((SELECT hash FROM chains WHERE chain = NEW.chain), '')
BEGIN
    SELECT RAISE(ABORT, 'entries: the entry does not follow the end of its chain');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entries_head AFTER INSERT ON entries
BEGIN
    INSERT INTO chains (chain, len, hash) VALUES (NEW.chain, NEW.seq, NEW.hash)
    ON CONFLICT (chain) DO UPDATE SET len = excluded.len, hash = excluded.hash;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entries_keep_update BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries: audit entries are append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entries_keep_delete BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries: audit entries are append-only');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER chains_begin BEFORE INSERT ON chains
WHEN NOT EXISTS (SELECT 1 FROM entries WHERE chain = NEW.chain AND seq = NEW.len AND hash = NEW.hash)
BEGIN
    SELECT RAISE(ABORT, 'chains: the head of a chain is its last entry');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER chains_step BEFORE UPDATE ON chains
WHEN NEW.chain <> OLD.chain OR NEW.len <> OLD.len + 1
    OR NOT EXISTS (SELECT 1 FROM entries WHERE chain = NEW.chain AND seq = NEW.len AND hash = NEW.hash)
BEGIN
    SELECT RAISE(ABORT, 'chains: the head of a chain is its last entry');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER chains_stay BEFORE DELETE ON chains
BEGIN
    SELECT RAISE(ABORT, 'chains: a chain never shrinks');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER openings_keep BEFORE UPDATE ON openings
BEGIN
    SELECT RAISE(ABORT, 'openings: an opening is destroyed or left, never changed');
END;
-- +goose StatementEnd
