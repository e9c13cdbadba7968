-- Why: auditors ask which access was had without any incident. Those requests have an
-- index of their own, newest first like all answers.

-- +goose Up
CREATE INDEX requests_bare ON requests (submitted_at, id) WHERE incident = '';
