-- Why: auditors ask for a sample of the access that was given in some months, and of the
-- access that was removed. Who draws one goes through the entries that say so, and reads
-- of each no more than which request it is of: that stands in an index of their own.

-- +goose Up
CREATE INDEX entries_granted ON entries (at, chain) WHERE verb = 'granted';
CREATE INDEX entries_revoked ON entries (at, chain) WHERE verb = 'revoked';
