-- Why: the tree over the audit entries. An entry that is written waits in unsequenced;
-- a job gives those that wait their places in leaves, once and in one order, so that
-- writers never wait for the tree. (Ids of entries are no order: they are given before
-- the commit, and commits come as they like. The job sees only what is committed.)
-- tree holds the hashes of complete subtrees of 256 leaves and of those above them
-- (what lies below is made from the entries' own hashes). checkpoints are the signed
-- heads, witnesses the places outside this database that have them. Nothing of it is
-- ever changed.

-- +goose Up
CREATE TABLE unsequenced (
    entry bigint NOT NULL PRIMARY KEY
);

CREATE TABLE leaves (
    idx   bigint NOT NULL PRIMARY KEY CHECK (idx >= 0),
    entry bigint NOT NULL UNIQUE REFERENCES entries (id)
);

CREATE TABLE tree (
    level bigint NOT NULL CHECK (level >= 8),
    n     bigint NOT NULL CHECK (n >= 0),
    hash  bytea  NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, n)
);

CREATE TABLE checkpoints (
    size bigint NOT NULL PRIMARY KEY CHECK (size >= 1),
    root bytea  NOT NULL CHECK (length(root) = 32),
    at   bigint NOT NULL,
    note text COLLATE "C" NOT NULL CHECK (note <> '')
);

CREATE TABLE witnesses (
    kind  text COLLATE "C" NOT NULL CHECK (kind <> ''),
    size  bigint NOT NULL REFERENCES checkpoints (size),
    place text COLLATE "C" NOT NULL,
    at    bigint NOT NULL,
    PRIMARY KEY (kind, size, place)
);

-- Writers wait for this lock, so that no entry slips in between the two statements.
LOCK TABLE entries IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO unsequenced (entry) SELECT id FROM entries;

-- link_entry as it was, and now the entry waits for its place as well.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION link_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = 1 AND NEW.prev = '' THEN
        INSERT INTO chains (chain, len, hash) VALUES (NEW.chain, 1, NEW.hash)
            ON CONFLICT (chain) DO NOTHING;
    ELSE
        UPDATE chains SET len = NEW.seq, hash = NEW.hash
            WHERE chain = NEW.chain AND len = NEW.seq - 1 AND hash = NEW.prev;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'entries: the entry does not follow the end of its chain'
            USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO unsequenced (entry) VALUES (NEW.id);
    RETURN NULL;
END;
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION check_waiting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM gone g WHERE NOT EXISTS (SELECT 1 FROM leaves l WHERE l.entry = g.entry)) THEN
        RAISE EXCEPTION 'unsequenced: an entry waits until it has its place' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER unsequenced_keep_delete AFTER DELETE ON unsequenced REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION check_waiting();
CREATE TRIGGER unsequenced_keep BEFORE UPDATE ON unsequenced
    FOR EACH ROW EXECUTE FUNCTION refuse('an entry waits until it has its place');
CREATE TRIGGER unsequenced_keep_all BEFORE TRUNCATE ON unsequenced
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('an entry waits until it has its place');

-- +goose StatementBegin
CREATE FUNCTION check_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lo bigint;
    hi bigint;
    n  bigint;
BEGIN
    SELECT min(idx), max(idx), count(*) INTO lo, hi, n FROM added;
    IF n > 0 AND (hi - lo + 1 <> n
        OR lo <> coalesce((SELECT max(idx) FROM leaves WHERE idx < lo), -1) + 1
        OR hi <> (SELECT max(idx) FROM leaves)) THEN
        RAISE EXCEPTION 'leaves: the places of entries have no gap' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER leaves_follow AFTER INSERT ON leaves REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION check_leaves();
CREATE TRIGGER leaves_keep BEFORE UPDATE OR DELETE ON leaves
    FOR EACH ROW EXECUTE FUNCTION refuse('the order of the tree is append-only');
CREATE TRIGGER leaves_keep_all BEFORE TRUNCATE ON leaves
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the order of the tree is append-only');

CREATE TRIGGER tree_keep BEFORE UPDATE OR DELETE ON tree
    FOR EACH ROW EXECUTE FUNCTION refuse('its hashes are append-only');
CREATE TRIGGER tree_keep_all BEFORE TRUNCATE ON tree
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('its hashes are append-only');

-- +goose StatementBegin
CREATE FUNCTION check_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size <= coalesce((SELECT max(size) FROM checkpoints), 0)
        OR NEW.size > coalesce((SELECT max(idx) FROM leaves), -1) + 1 THEN
        RAISE EXCEPTION 'checkpoints: a checkpoint is of more entries than the one before, and of no more than there are'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER checkpoints_follow BEFORE INSERT ON checkpoints
    FOR EACH ROW EXECUTE FUNCTION check_checkpoint();
CREATE TRIGGER checkpoints_keep BEFORE UPDATE OR DELETE ON checkpoints
    FOR EACH ROW EXECUTE FUNCTION refuse('signed heads are append-only');
CREATE TRIGGER checkpoints_keep_all BEFORE TRUNCATE ON checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('signed heads are append-only');

CREATE TRIGGER witnesses_keep BEFORE UPDATE OR DELETE ON witnesses
    FOR EACH ROW EXECUTE FUNCTION refuse('what was published is append-only');
CREATE TRIGGER witnesses_keep_all BEFORE TRUNCATE ON witnesses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('what was published is append-only');
