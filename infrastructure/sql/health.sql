-- name: sealing
SELECT coalesce(max(l.position - coalesce(t.size, 0)), 0), count(t.error)
FROM ordertrail.ledgers AS l LEFT JOIN ordertrail.trees AS t USING (tenant)

-- name: projections
-- What a view has read whose checkpoint is beyond the ledger, nobody knows.
SELECT c.projection,
       max(l.position - CASE WHEN c.position > l.position OR c.must_be_rebuilt THEN 0 ELSE c.position END),
       coalesce(
           array_agg(
               format('%%s after position %%s: %%s', c.tenant, c.position, coalesce(c.error, 'the ledger ends before it'))
               ORDER BY c.tenant
           ) FILTER (WHERE c.error IS NOT NULL OR c.position > l.position),
           '{}'
       )
FROM ordertrail.checkpoints AS c JOIN ordertrail.ledgers AS l USING (tenant)
WHERE c.projection = ANY (%(projections)s)
GROUP BY c.projection
ORDER BY c.projection
