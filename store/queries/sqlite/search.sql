-- name: SearchByWords :many
-- By what stands in a reason, walking the reasons of a time. Of a request with several
-- such reasons the first counts.
SELECT r.doc FROM request_words m
JOIN requests r ON r.id = m.request
WHERE m.submitted_at >= @since AND m.submitted_at <= @before_at AND m.text LIKE '%' || cast(@way AS text) || '%'
    AND (m.submitted_at < @before_at OR m.request < @before_id)
    AND NOT EXISTS (SELECT 1 FROM request_words o
        WHERE o.request = m.request AND o.kind < m.kind AND o.text LIKE '%' || cast(@way AS text) || '%')
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
ORDER BY m.submitted_at DESC, m.request DESC LIMIT cast(@lim AS bigint);
