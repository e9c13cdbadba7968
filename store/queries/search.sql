-- Questions about the past: one question with eight ways in, each along an index, newest
-- first. What does not lead the way is looked at on each row that does. search.go
-- chooses. (Words are cast for SQLite, which would plan anew for each word that a LIKE
-- takes as it is: it hopes for a beginning to look up.)

-- name: AddPerson :exec
INSERT INTO request_people (request, person, roles, submitted_at)
VALUES (@request, @person, @roles, @submitted_at)
ON CONFLICT (request, person) DO UPDATE SET roles = request_people.roles | excluded.roles;

-- name: AddIncident :exec
INSERT INTO request_incidents (incident, submitted_at, request, number)
VALUES (@incident, @submitted_at, @request, @number)
ON CONFLICT (incident, submitted_at, request) DO UPDATE SET number = excluded.number
WHERE excluded.number > 0;

-- name: AddWords :exec
INSERT INTO request_words (request, kind, person, text, submitted_at)
VALUES (@request, @kind, @person, @text, @submitted_at)
ON CONFLICT (request, kind) DO NOTHING;

-- name: EraseWords :execrows
DELETE FROM request_words WHERE person = @person;

-- name: IncidentsNumbered :many
SELECT DISTINCT incident FROM request_incidents
WHERE number = @number AND number > 0 ORDER BY incident LIMIT 8;

-- name: RolesIn :many
SELECT roles FROM request_people WHERE request = @request AND person = @person;

-- name: SearchByTime :many
SELECT r.doc FROM requests r
WHERE r.submitted_at <= @before_at AND r.submitted_at >= @since
    AND (r.submitted_at < @before_at OR r.id < @before_id)
    AND (cast(@bare AS text) = '' OR r.incident = '')
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
    AND (cast(@review AS text) = '' OR EXISTS (SELECT 1 FROM reviews x WHERE x.request = r.id AND x.state = @review))
    AND (cast(@person1 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person1 AND q.roles & cast(@roles1 AS bigint) <> 0))
    AND (cast(@person2 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person2 AND q.roles & cast(@roles2 AS bigint) <> 0))
    AND (cast(@viewer AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @viewer))
    AND (cast(@word1 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word1 AS text)))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word2 AS text)))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word3 AS text)))
ORDER BY r.submitted_at DESC, r.id DESC LIMIT cast(@lim AS bigint);

-- name: SearchBare :many
SELECT r.doc FROM requests r
WHERE r.incident = '' AND r.submitted_at <= @before_at AND r.submitted_at >= @since
    AND (r.submitted_at < @before_at OR r.id < @before_id)
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
    AND (cast(@review AS text) = '' OR EXISTS (SELECT 1 FROM reviews x WHERE x.request = r.id AND x.state = @review))
    AND (cast(@person1 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person1 AND q.roles & cast(@roles1 AS bigint) <> 0))
    AND (cast(@person2 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person2 AND q.roles & cast(@roles2 AS bigint) <> 0))
    AND (cast(@viewer AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @viewer))
    AND (cast(@word1 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word1 AS text)))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word2 AS text)))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word3 AS text)))
ORDER BY r.submitted_at DESC, r.id DESC LIMIT cast(@lim AS bigint);

-- name: SearchByTarget :many
SELECT r.doc FROM requests r
WHERE r.target = @way AND r.submitted_at <= @before_at AND r.submitted_at >= @since
    AND (r.submitted_at < @before_at OR r.id < @before_id)
    AND (cast(@bare AS text) = '' OR r.incident = '')
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
    AND (cast(@review AS text) = '' OR EXISTS (SELECT 1 FROM reviews x WHERE x.request = r.id AND x.state = @review))
    AND (cast(@person1 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person1 AND q.roles & cast(@roles1 AS bigint) <> 0))
    AND (cast(@person2 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person2 AND q.roles & cast(@roles2 AS bigint) <> 0))
    AND (cast(@viewer AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @viewer))
    AND (cast(@word1 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word1 AS text)))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word2 AS text)))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word3 AS text)))
ORDER BY r.submitted_at DESC, r.id DESC LIMIT cast(@lim AS bigint);

-- name: SearchByFlow :many
SELECT r.doc FROM requests r
WHERE r.flow = @way AND r.submitted_at <= @before_at AND r.submitted_at >= @since
    AND (r.submitted_at < @before_at OR r.id < @before_id)
    AND (cast(@bare AS text) = '' OR r.incident = '')
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
    AND (cast(@review AS text) = '' OR EXISTS (SELECT 1 FROM reviews x WHERE x.request = r.id AND x.state = @review))
    AND (cast(@person1 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person1 AND q.roles & cast(@roles1 AS bigint) <> 0))
    AND (cast(@person2 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person2 AND q.roles & cast(@roles2 AS bigint) <> 0))
    AND (cast(@viewer AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @viewer))
    AND (cast(@word1 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word1 AS text)))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word2 AS text)))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word3 AS text)))
ORDER BY r.submitted_at DESC, r.id DESC LIMIT cast(@lim AS bigint);

-- name: SearchByState :many
SELECT r.doc FROM requests r
WHERE r.state = @way AND r.submitted_at <= @before_at AND r.submitted_at >= @since
    AND (r.submitted_at < @before_at OR r.id < @before_id)
    AND (cast(@bare AS text) = '' OR r.incident = '')
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
    AND (cast(@review AS text) = '' OR EXISTS (SELECT 1 FROM reviews x WHERE x.request = r.id AND x.state = @review))
    AND (cast(@person1 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person1 AND q.roles & cast(@roles1 AS bigint) <> 0))
    AND (cast(@person2 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person2 AND q.roles & cast(@roles2 AS bigint) <> 0))
    AND (cast(@viewer AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @viewer))
    AND (cast(@word1 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word1 AS text)))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word2 AS text)))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word3 AS text)))
ORDER BY r.submitted_at DESC, r.id DESC LIMIT cast(@lim AS bigint);

-- name: SearchByReview :many
SELECT r.doc FROM reviews v
JOIN requests r ON r.id = v.request
WHERE v.state = @way AND v.submitted_at <= @before_at AND v.submitted_at >= @since
    AND (v.submitted_at < @before_at OR v.request < @before_id)
    AND (cast(@bare AS text) = '' OR r.incident = '')
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
    AND (cast(@review AS text) = '' OR EXISTS (SELECT 1 FROM reviews x WHERE x.request = r.id AND x.state = @review))
    AND (cast(@person1 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person1 AND q.roles & cast(@roles1 AS bigint) <> 0))
    AND (cast(@person2 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person2 AND q.roles & cast(@roles2 AS bigint) <> 0))
    AND (cast(@viewer AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @viewer))
    AND (cast(@word1 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word1 AS text)))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word2 AS text)))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word3 AS text)))
ORDER BY v.submitted_at DESC, v.request DESC LIMIT cast(@lim AS bigint);

-- name: SearchByIncident :many
SELECT r.doc FROM request_incidents i
JOIN requests r ON r.id = i.request
WHERE i.incident = @way AND i.submitted_at <= @before_at AND i.submitted_at >= @since
    AND (i.submitted_at < @before_at OR i.request < @before_id)
    AND (cast(@bare AS text) = '' OR r.incident = '')
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
    AND (cast(@review AS text) = '' OR EXISTS (SELECT 1 FROM reviews x WHERE x.request = r.id AND x.state = @review))
    AND (cast(@person1 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person1 AND q.roles & cast(@roles1 AS bigint) <> 0))
    AND (cast(@person2 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person2 AND q.roles & cast(@roles2 AS bigint) <> 0))
    AND (cast(@viewer AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @viewer))
    AND (cast(@word1 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word1 AS text)))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word2 AS text)))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word3 AS text)))
ORDER BY i.submitted_at DESC, i.request DESC LIMIT cast(@lim AS bigint);

-- name: SearchByPerson :many
SELECT r.doc FROM request_people p
JOIN requests r ON r.id = p.request
WHERE p.person = @way AND p.submitted_at <= @before_at AND p.submitted_at >= @since
    AND (p.submitted_at < @before_at OR p.request < @before_id)
    AND p.roles & cast(@way_roles AS bigint) <> 0
    AND (cast(@bare AS text) = '' OR r.incident = '')
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
    AND (cast(@review AS text) = '' OR EXISTS (SELECT 1 FROM reviews x WHERE x.request = r.id AND x.state = @review))
    AND (cast(@person1 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person1 AND q.roles & cast(@roles1 AS bigint) <> 0))
    AND (cast(@person2 AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @person2 AND q.roles & cast(@roles2 AS bigint) <> 0))
    AND (cast(@viewer AS text) = '' OR EXISTS (SELECT 1 FROM request_people q
        WHERE q.request = r.id AND q.person = @viewer))
    AND (cast(@word1 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word1 AS text)))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word2 AS text)))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE cast(@word3 AS text)))
ORDER BY p.submitted_at DESC, p.request DESC LIMIT cast(@lim AS bigint);

-- name: OldestRequest :one
SELECT submitted_at FROM requests ORDER BY submitted_at, id LIMIT 1;

-- name: NewestRequest :one
SELECT submitted_at FROM requests ORDER BY submitted_at DESC, id DESC LIMIT 1;

-- name: ChainTail :many
-- The last entries of a chain, the newest first.
SELECT id, chain, seq, at, verb, prev, hash, bytes, packed FROM entries
WHERE chain = @chain AND seq < @before ORDER BY seq DESC LIMIT cast(@lim AS bigint);

-- name: OpeningsOfEntry :many
SELECT entry, path, person, salt, value FROM openings WHERE entry = @entry ORDER BY path;

-- name: EntriesOfIncident :many
-- The time-line of an incident: it is sorted, but only an incident's own entries are.
SELECT e.id, e.chain, e.seq, e.at, e.verb, e.prev, e.hash, e.bytes, e.packed FROM request_incidents i
JOIN entries e ON e.chain = i.request
WHERE i.incident = @incident AND (e.at > @after_at OR e.at = @after_at AND e.id > @after_id)
ORDER BY e.at, e.id LIMIT cast(@lim AS bigint);

-- name: GrantedBetween :many
SELECT chain FROM entries WHERE verb = 'granted' AND at >= @from_at AND at < @to_at;

-- name: RevokedBetween :many
SELECT chain FROM entries WHERE verb = 'revoked' AND at >= @from_at AND at < @to_at;
