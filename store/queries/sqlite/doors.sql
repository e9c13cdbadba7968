-- name: PurgePasses :execrows
-- The schema lets go of what was over 30 days ago by the database's clock; see 00013.
DELETE FROM passes WHERE id IN (
    SELECT p.id FROM passes p
    WHERE p.kind <> 'device' AND p.expires_at < @before AND p.expires_at <= unixepoch('now') * 1000 - 2592000000
    ORDER BY p.expires_at LIMIT cast(@lim AS bigint));
