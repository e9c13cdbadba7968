-- Why: words in reasons, within a time. Each reason now has the time of its request, and
-- an index of what three letters stand in it one after the other, apart for each four
-- days: looking for words anywhere in the reasons of a time asks the index for those four
-- days after four days, newest first, and stops when a page is full. (Without the days, a
-- common word of ten years would be collected before the first row is given.) What the
-- index finds is read again, so two letters that share a number do no harm. Reasons go
-- when the person is erased, as before; what the index has of them is numbers, and goes
-- when the table is vacuumed, with the row's own bytes.

-- +goose Up
ALTER TABLE request_words ADD COLUMN submitted_at bigint NOT NULL DEFAULT 0;
UPDATE request_words w SET submitted_at = r.submitted_at FROM requests r WHERE r.id = w.request;

-- +goose StatementBegin
CREATE FUNCTION word_grams(at bigint, said text) RETURNS int[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT hashtext((at / 345600000)::text || substr(said, n, 3))), '{}')
    FROM generate_series(1, length(said) - 2) AS n
$$;
-- +goose StatementEnd

-- What waits to be sorted in is searched as well; little of it, so that no decision has
-- to sort in much.
CREATE INDEX request_words_grams ON request_words USING gin (word_grams(submitted_at, text)) WITH (gin_pending_list_limit = 256);
