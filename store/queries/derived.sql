-- What one request is found by.

-- name: TracesOf :many
-- Of the incidents, only the one that it says it is for.
SELECT cast(0 AS bigint) AS list, p.person AS name, p.roles AS n, p.submitted_at, '' AS by_person, '' AS text
FROM request_people p WHERE p.request = @request
UNION ALL SELECT 1, w.kind, 0, w.submitted_at, w.person, w.text FROM request_words w WHERE w.request = @request
UNION ALL SELECT 2, v.state, v.due_at, v.submitted_at, '', '' FROM reviews v WHERE v.request = @request
UNION ALL SELECT 3, i.incident, i.number, i.submitted_at, '', '' FROM requests r
JOIN request_incidents i ON i.incident = r.incident AND i.submitted_at = r.submitted_at AND i.request = r.id
WHERE r.id = @request;

-- name: IncidentNumber :one
SELECT number FROM request_incidents WHERE incident = @incident AND submitted_at = @submitted_at AND request = @request;
