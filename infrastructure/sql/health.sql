-- name: sealing
SELECT coalesce(max(l.position - coalesce(t.size, 0)), 0), count(t.error)
FROM ordertrail.ledgers AS l LEFT JOIN ordertrail.trees AS t USING (tenant)

-- name: projections
SELECT c.projection, max(l.position - c.position),
       coalesce(array_agg(format('%%s after position %%s: %%s', c.tenant, c.position, c.error) ORDER BY c.tenant)
                FILTER (WHERE c.error IS NOT NULL), '{}')
FROM ordertrail.checkpoints AS c JOIN ordertrail.ledgers AS l USING (tenant)
WHERE c.projection = ANY (%(projections)s)
GROUP BY c.projection
ORDER BY c.projection
