-- Why: an entry weighs less. Its hash is over bytes that name its chain and its place in
-- it, and these are unique, so hashes need no index of their own; nothing looks for one.
-- It was a tenth of what an entry took and, since hashes come in no order, the dearest to
-- keep when there are millions. And the hash of the entry before stands in the bytes: it is
-- held to the end of the chain as before, and not kept beside them a second time. (The
-- column stays, since a replica of the version before still writes it, and what is there
-- stays as it is: to write millions of entries anew would hold up every decision.)

-- +goose Up
ALTER TABLE entries DROP CONSTRAINT entries_hash_key;

-- An entry whose place is taken is left to what holds that: UNIQUE (chain, seq).
-- +goose StatementBegin
CREATE FUNCTION follow_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head record;
BEGIN
    SELECT len, hash INTO head FROM chains WHERE chain = NEW.chain;
    IF NEW.seq > coalesce(head.len, 0) AND (NEW.seq, NEW.prev) IS DISTINCT FROM (coalesce(head.len, 0) + 1, coalesce(head.hash, '')) THEN
        RAISE EXCEPTION 'entries: the entry does not follow the end of its chain'
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.prev := '';
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER entries_follow BEFORE INSERT ON entries
    FOR EACH ROW EXECUTE FUNCTION follow_chain();

-- What an entry follows is known here; two that want to follow the same one still meet at
-- the chain's row, and the second finds it moved.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION link_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = 1 THEN
        INSERT INTO chains (chain, len, hash) VALUES (NEW.chain, 1, NEW.hash)
            ON CONFLICT (chain) DO NOTHING;
    ELSE
        UPDATE chains SET len = NEW.seq, hash = NEW.hash WHERE chain = NEW.chain AND len = NEW.seq - 1;
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
