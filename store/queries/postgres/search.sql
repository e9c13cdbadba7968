-- name: SearchByWords :many
-- By what stands in a reason: the index (00009_words.sql) is asked for each four days.
-- OFFSET 0 has the reasons found and sorted first: the planner knows nothing of what
-- stands in them. Of a request with several such reasons the first counts.
SELECT r.doc FROM (
    SELECT f.request, f.submitted_at
    FROM generate_series(cast(@since AS bigint) / 345600000, cast(@before_at AS bigint) / 345600000) AS days(n)
    CROSS JOIN LATERAL (SELECT w.request, w.submitted_at FROM request_words w
        WHERE word_grams(w.submitted_at, w.text) @> word_grams(days.n * 345600000, cast(@way AS text))
            AND w.submitted_at >= @since AND w.text LIKE '%' || cast(@way AS text) || '%'
            AND w.submitted_at <= @before_at AND (w.submitted_at < @before_at OR w.request < @before_id)
            AND NOT EXISTS (SELECT 1 FROM request_words o
                WHERE o.request = w.request AND o.kind < w.kind AND o.text LIKE '%' || cast(@way AS text) || '%')
        OFFSET 0) AS f
    ORDER BY f.submitted_at DESC, f.request DESC OFFSET 0) AS m
JOIN requests r ON r.id = m.request
WHERE true
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
        WHERE w.request = r.id AND w.text LIKE @word1))
    AND (cast(@word2 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE @word2))
    AND (cast(@word3 AS text) = '' OR EXISTS (SELECT 1 FROM request_words w
        WHERE w.request = r.id AND w.text LIKE @word3))
ORDER BY m.submitted_at DESC, m.request DESC LIMIT cast(@lim AS bigint);
