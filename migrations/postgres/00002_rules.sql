-- Why: what must hold is held by the database too, whatever a program does: the life
-- cycle, versions that rise by one, audit entries that are only ever added, each one
-- linked to the one before, the world a store belongs to, and (checked at commit)
-- that no request is live without a job to revoke it.

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

INSERT INTO meta (name, value) VALUES ('store_id', replace(gen_random_uuid()::text, '-', ''));

-- +goose StatementBegin
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END;
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION check_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.version <> 1 OR NOT EXISTS (
            SELECT 1 FROM transitions WHERE from_state = '' AND to_state = NEW.state) THEN
            RAISE EXCEPTION 'requests: a request begins as submitted, at version 1'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> NEW.state AND NOT EXISTS (
        SELECT 1 FROM transitions WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'requests: the life cycle has no such step' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.version <> OLD.version + 1 THEN
        RAISE EXCEPTION 'requests: the version rises by exactly one' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.flow, NEW.target, NEW.scope, NEW.requester, NEW.beneficiary, NEW.submitted_at)
        IS DISTINCT FROM
       (OLD.id, OLD.flow, OLD.target, OLD.scope, OLD.requester, OLD.beneficiary, OLD.submitted_at) THEN
        RAISE EXCEPTION 'requests: what was asked never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER requests_check BEFORE INSERT OR UPDATE ON requests
    FOR EACH ROW EXECUTE FUNCTION check_request();
CREATE TRIGGER requests_stay BEFORE DELETE ON requests
    FOR EACH ROW EXECUTE FUNCTION refuse('a request is never deleted');
CREATE TRIGGER requests_stay_all BEFORE TRUNCATE ON requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a request is never deleted');

-- +goose StatementBegin
CREATE FUNCTION check_revoke() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who text;
BEGIN
    IF TG_TABLE_NAME = 'jobs' THEN
        who := OLD.subject;
    ELSE
        who := NEW.id;
    END IF;
    IF EXISTS (SELECT 1 FROM requests WHERE id = who AND state IN ('granting', 'active', 'ending'))
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE kind = 'revoke' AND subject = who) THEN
        RAISE EXCEPTION 'requests: % would be live without a job to revoke it', who
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER requests_revoke AFTER INSERT OR UPDATE ON requests
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state IN ('granting', 'active', 'ending')) EXECUTE FUNCTION check_revoke();
CREATE CONSTRAINT TRIGGER jobs_revoke_stays AFTER DELETE ON jobs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.kind = 'revoke') EXECUTE FUNCTION check_revoke();

-- +goose StatementBegin
CREATE FUNCTION check_holding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.version <> 1 THEN
            RAISE EXCEPTION 'holdings: a holding begins at version 1' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.version <> OLD.version + 1
        OR (NEW.person, NEW.target, NEW.scope) IS DISTINCT FROM (OLD.person, OLD.target, OLD.scope) THEN
        RAISE EXCEPTION 'holdings: the version rises by exactly one and the key stays'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER holdings_check BEFORE INSERT OR UPDATE ON holdings
    FOR EACH ROW EXECUTE FUNCTION check_holding();
CREATE TRIGGER holdings_stay BEFORE DELETE ON holdings
    FOR EACH ROW EXECUTE FUNCTION refuse('the fence of a holding is never deleted');
CREATE TRIGGER holdings_stay_all BEFORE TRUNCATE ON holdings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the fence of a holding is never deleted');

-- Links an entry to the end of its chain and moves the end. Two that want to follow
-- the same end meet at the chain's row: the second one finds it moved.
-- +goose StatementBegin
CREATE FUNCTION link_entry() RETURNS trigger LANGUAGE plpgsql AS $$
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
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER entries_link AFTER INSERT ON entries
    FOR EACH ROW EXECUTE FUNCTION link_entry();
CREATE TRIGGER entries_keep BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION refuse('audit entries are append-only');
CREATE TRIGGER entries_keep_all BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('audit entries are append-only');

-- +goose StatementBegin
CREATE FUNCTION check_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM entries
            WHERE chain = NEW.chain AND seq = NEW.len AND hash = NEW.hash)
        OR (TG_OP = 'UPDATE' AND (NEW.chain <> OLD.chain OR NEW.len <> OLD.len + 1)) THEN
        RAISE EXCEPTION 'chains: the head of a chain is its last entry' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER chains_check BEFORE INSERT OR UPDATE ON chains
    FOR EACH ROW EXECUTE FUNCTION check_chain();
CREATE TRIGGER chains_stay BEFORE DELETE ON chains
    FOR EACH ROW EXECUTE FUNCTION refuse('a chain never shrinks');
CREATE TRIGGER chains_stay_all BEFORE TRUNCATE ON chains
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a chain never shrinks');

CREATE TRIGGER openings_keep BEFORE UPDATE ON openings
    FOR EACH ROW EXECUTE FUNCTION refuse('an opening is destroyed or left, never changed');

-- +goose StatementBegin
CREATE FUNCTION check_meta() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.name = 'world' AND NEW.value NOT IN ('real', 'simulated') THEN
            RAISE EXCEPTION 'meta: the world is real or simulated' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.name IN ('world', 'store_id') THEN
        RAISE EXCEPTION 'meta: the world and the id of a store never change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER meta_check BEFORE INSERT OR UPDATE OR DELETE ON meta
    FOR EACH ROW EXECUTE FUNCTION check_meta();
CREATE TRIGGER meta_stay_all BEFORE TRUNCATE ON meta
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the world and the id of a store never change');
