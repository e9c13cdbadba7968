-- name: InboxWaitingNaming :one
SELECT count(*) FROM inbox WHERE handled_at = 0 AND position(convert_to(cast(@needle AS text), 'UTF8') in body) > 0;

-- name: EraseInInbox :execrows
UPDATE inbox SET body = '' WHERE handled_at > 0 AND position(convert_to(cast(@needle AS text), 'UTF8') in body) > 0;
