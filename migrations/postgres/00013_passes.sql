-- Why: passes that nobody can use any more need not stay for ever: what an auditor wants to
-- know of them stands in the entries. Each has a date by which it is over, at most 90 days
-- after it was made, whether or not it was ended before; 30 days after that date, by the
-- database's own clock, it may be deleted, and not sooner.

-- +goose Up
CREATE INDEX passes_over ON passes (expires_at) WHERE kind <> 'device';

DROP TRIGGER passes_stay ON passes;
CREATE TRIGGER passes_stay BEFORE DELETE ON passes
    FOR EACH ROW WHEN (OLD.kind <> 'device' AND OLD.expires_at > floor(extract(epoch FROM clock_timestamp()))::bigint * 1000 - 2592000000)
    EXECUTE FUNCTION refuse('what lets somebody in is not deleted until 30 days after its time was over');
