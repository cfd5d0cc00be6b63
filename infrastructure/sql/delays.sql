-- name: sealing
-- How long the oldest event that is not sealed has waited, over all ledgers whose sealing has not stopped.
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - e.recorded_at)), 0)::float8
FROM ordertrail.ledgers AS l
LEFT JOIN ordertrail.trees AS t ON t.tenant = l.tenant
LEFT JOIN LATERAL (
    SELECT h.size FROM ordertrail.tree_heads AS h WHERE h.tenant = l.tenant ORDER BY h.size DESC LIMIT 1
) AS newest ON true
JOIN ordertrail.events AS e ON e.tenant = l.tenant AND e.position = coalesce(newest.size, 0) + 1
WHERE t.error IS NULL

-- name: views
-- How long the oldest event that a view has not read has waited, over all views that have not stopped. A view without a
-- checkpoint has read nothing.
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - e.recorded_at)), 0)::float8
FROM ordertrail.ledgers AS l CROSS JOIN unnest(%(projections)s::text[]) AS v (projection)
LEFT JOIN ordertrail.checkpoints AS c ON c.tenant = l.tenant AND c.projection = v.projection
JOIN ordertrail.events AS e ON e.tenant = l.tenant AND e.position = coalesce(c.position, 0) + 1
WHERE c.error IS NULL
