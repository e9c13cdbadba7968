-- Why: what is kept about a person can be erased. Where their id stood in a request that
-- is over, in a holding or on a pass, a made-up one stands afterwards ("erased/…"), the
-- same everywhere; that is the one change to them that the rules of 00002 and 00005 let
-- through besides their own. Nothing becomes somebody else's that way.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_request() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF (NEW.id, NEW.flow, NEW.target, NEW.scope, NEW.submitted_at)
        IS DISTINCT FROM (OLD.id, OLD.flow, OLD.target, OLD.scope, OLD.submitted_at)
        OR (NEW.requester <> OLD.requester OR NEW.beneficiary <> OLD.beneficiary) AND NOT (
            OLD.state IN ('denied', 'cancelled', 'lapsed', 'ended', 'failed') AND NEW.state = OLD.state
            AND (NEW.requester = OLD.requester OR NEW.requester LIKE 'erased/_%')
            AND (NEW.beneficiary = OLD.beneficiary OR NEW.beneficiary LIKE 'erased/_%')) THEN
        RAISE EXCEPTION 'requests: what was asked never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_holding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.version <> 1 THEN
            RAISE EXCEPTION 'holdings: a holding begins at version 1' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.version <> OLD.version + 1 OR (NEW.target, NEW.scope) IS DISTINCT FROM (OLD.target, OLD.scope)
        OR NEW.person <> OLD.person AND NEW.person NOT LIKE 'erased/_%' THEN
        RAISE EXCEPTION 'holdings: the version rises by exactly one and the key stays'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_pass() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.version <> 1 OR NEW.ended_at <> 0 THEN
            RAISE EXCEPTION 'passes: a pass begins at version 1, and not ended' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.version <> OLD.version + 1
        AND (NEW.version, NEW.kind, NEW.holder, NEW.code, NEW.expires_at, NEW.ended_at, NEW.doc)
            IS DISTINCT FROM (OLD.version, OLD.kind, OLD.holder, OLD.code, OLD.expires_at, OLD.ended_at, OLD.doc) THEN
        RAISE EXCEPTION 'passes: the version rises by exactly one' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.hash, NEW.kind, NEW.created_at, NEW.used_at, NEW.expires_at)
            IS NOT DISTINCT FROM (OLD.id, OLD.hash, OLD.kind, OLD.created_at, OLD.used_at, OLD.expires_at)
        AND NEW.ended_at <> 0 AND (NEW.ended_at = OLD.ended_at OR OLD.ended_at = 0)
        AND OLD.holder NOT LIKE 'erased/_%' AND NEW.holder LIKE 'erased/_%' THEN
        RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id OR NEW.hash <> OLD.hash OR NEW.created_at <> OLD.created_at OR OLD.ended_at <> 0
        OR (OLD.holder <> '' AND NEW.holder <> OLD.holder)
        OR (NEW.kind <> OLD.kind AND NOT (OLD.kind = 'device' AND NEW.kind = 'login'))
        OR (NEW.expires_at > OLD.expires_at AND OLD.kind <> 'device')
        OR NEW.used_at < OLD.used_at THEN
        RAISE EXCEPTION 'passes: a pass keeps its secret and its holder, never lives longer than it was given, and stays ended'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
