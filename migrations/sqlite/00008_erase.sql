-- Why: what is kept about a person can be erased. Where their id stood in a request that
-- is over, in a holding or on a pass, a made-up one stands afterwards ("erased/…"), the
-- same everywhere; that is the one change to them that the rules of 00002 and 00005 let
-- through besides their own. Nothing becomes somebody else's that way.

-- +goose Up
DROP TRIGGER requests_keep;
-- +goose StatementBegin
CREATE TRIGGER requests_keep BEFORE UPDATE ON requests
WHEN NEW.id <> OLD.id OR NEW.flow <> OLD.flow OR NEW.target <> OLD.target
    OR NEW.scope <> OLD.scope OR NEW.submitted_at <> OLD.submitted_at
    OR (NEW.requester <> OLD.requester OR NEW.beneficiary <> OLD.beneficiary) AND NOT (
        OLD.state IN ('denied', 'cancelled', 'lapsed', 'ended', 'failed') AND NEW.state = OLD.state
        AND (NEW.requester = OLD.requester OR NEW.requester LIKE 'erased/_%')
        AND (NEW.beneficiary = OLD.beneficiary OR NEW.beneficiary LIKE 'erased/_%'))
BEGIN
    SELECT RAISE(ABORT, 'requests: what was asked never changes');
END;
-- +goose StatementEnd

DROP TRIGGER holdings_version;
-- +goose StatementBegin
CREATE TRIGGER holdings_version BEFORE UPDATE ON holdings
WHEN NEW.version <> OLD.version + 1 OR NEW.target <> OLD.target OR NEW.scope <> OLD.scope
    OR NEW.person <> OLD.person AND NEW.person NOT LIKE 'erased/_%'
BEGIN
    SELECT RAISE(ABORT, 'holdings: the version rises by exactly one and the key stays');
END;
-- +goose StatementEnd

DROP TRIGGER passes_keep;
-- +goose StatementBegin
CREATE TRIGGER passes_keep BEFORE UPDATE ON passes
WHEN NOT (NEW.id = OLD.id AND NEW.hash = OLD.hash AND NEW.kind = OLD.kind AND NEW.created_at = OLD.created_at
        AND NEW.used_at = OLD.used_at AND NEW.expires_at = OLD.expires_at AND NEW.ended_at <> 0
        AND (NEW.ended_at = OLD.ended_at OR OLD.ended_at = 0)
        AND OLD.holder NOT LIKE 'erased/_%' AND NEW.holder LIKE 'erased/_%')
    AND (NEW.id <> OLD.id OR NEW.hash <> OLD.hash OR NEW.created_at <> OLD.created_at OR OLD.ended_at <> 0
        OR (OLD.holder <> '' AND NEW.holder <> OLD.holder)
        OR (NEW.kind <> OLD.kind AND NOT (OLD.kind = 'device' AND NEW.kind = 'login'))
        OR (NEW.expires_at > OLD.expires_at AND OLD.kind <> 'device')
        OR NEW.used_at < OLD.used_at)
BEGIN
    SELECT RAISE(ABORT, 'passes: a pass keeps its secret and its holder, never lives longer than it was given, and stays ended');
END;
-- +goose StatementEnd
