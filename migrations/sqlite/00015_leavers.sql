-- Why: erasing a person holds the writer only for what is about them. Their cards and
-- sign-ins are found by their id; what has to be looked for is looked for beforehand.

-- +goose Up
CREATE INDEX cards_person ON cards (person) WHERE person <> '';
CREATE INDEX sign_ins_person ON sign_ins (person);
