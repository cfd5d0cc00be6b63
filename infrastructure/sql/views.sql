-- Views and checkpoints are named without their schema: a rebuild has temporary tables with these names
-- (side_views.sql).

-- name: create_missing_checkpoints
INSERT INTO checkpoints (tenant, projection, position)
SELECT l.tenant, p.projection, 0
FROM ordertrail.ledgers AS l CROSS JOIN unnest(%(projections)s) AS p (projection)
WHERE (%(tenants)s::text[] IS NULL OR l.tenant = ANY (%(tenants)s::text[]))
  AND NOT EXISTS (
      SELECT FROM checkpoints AS c
      WHERE c.tenant = l.tenant AND c.projection = p.projection
        AND (%(tenants)s::text[] IS NULL OR c.tenant = ANY (%(tenants)s::text[]))
  )
ON CONFLICT DO NOTHING

-- name: behind
-- A stopped projection is tried again after half a minute, since it may have been mended. One that is ahead of its
-- ledger is found too: it must be stopped before the ledger passes it.
SELECT DISTINCT l.tenant
FROM ordertrail.ledgers AS l
JOIN checkpoints AS c ON c.tenant = l.tenant AND c.position <> l.position
WHERE c.projection = ANY (%(projections)s) AND NOT c.must_be_rebuilt
  AND (c.error IS NULL OR c.updated_at < now() - interval '30 seconds')
  AND (%(tenants)s::text[] IS NULL OR l.tenant = ANY (%(tenants)s::text[]))
  AND (%(tenants)s::text[] IS NULL OR c.tenant = ANY (%(tenants)s::text[]))

-- name: hold_checkpoints
SELECT projection, position,
       CASE WHEN must_be_rebuilt OR updated_at > now() - interval '30 seconds' THEN error END AS error
FROM checkpoints
WHERE tenant = %(tenant)s AND projection = ANY (%(projections)s)
ORDER BY projection
FOR UPDATE SKIP LOCKED

-- name: head
SELECT position FROM ordertrail.ledgers WHERE tenant = %(tenant)s

-- name: advance
UPDATE checkpoints SET position = %(position)s, error = NULL, updated_at = now()
WHERE tenant = %(tenant)s AND projection = ANY (%(projections)s)

-- name: stop
UPDATE checkpoints SET error = %(error)s, updated_at = now()
WHERE tenant = %(tenant)s AND projection = %(projection)s

-- name: stop_until_rebuilt
UPDATE checkpoints SET error = %(error)s, must_be_rebuilt = true, updated_at = now()
WHERE tenant = %(tenant)s AND projection = %(projection)s

-- name: tied_orders
-- The orders that are tied to these integrations.
SELECT t.integration_id, array_agg(t.order_id)
FROM (
    SELECT DISTINCT ON (integration_id, order_id) integration_id, order_id, type
    FROM timeline
    WHERE tenant = %(tenant)s AND integration_id = ANY (%(ids)s::bigint[])
    ORDER BY integration_id, order_id, position DESC
) AS t
WHERE t.type = 'order.integration_tied'
GROUP BY t.integration_id
