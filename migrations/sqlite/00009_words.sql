-- Why: words in reasons, within a time. Each reason now has the time of its request, and
-- an index that holds the reasons themselves, newest last, so that looking through a time
-- reads them one after the other and nothing else. They go when the person is erased, as
-- before.

-- +goose Up
ALTER TABLE request_words ADD COLUMN submitted_at INTEGER NOT NULL DEFAULT 0;
UPDATE request_words SET submitted_at = coalesce((SELECT r.submitted_at FROM requests r WHERE r.id = request_words.request), 0);
CREATE INDEX request_words_at ON request_words (submitted_at, request, kind, text);
