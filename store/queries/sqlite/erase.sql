-- name: InboxWaitingNaming :one
SELECT count(*) FROM inbox WHERE handled_at = 0 AND instr(body, @needle) > 0;

-- name: EraseInInbox :execrows
UPDATE inbox SET body = x'' WHERE handled_at > 0 AND instr(body, @needle) > 0;
