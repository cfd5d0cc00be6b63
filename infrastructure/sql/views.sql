-- Views and checkpoints are named without their schema: a rebuild has temporary tables with these names
-- (side_views.sql).

-- name: create_missing_checkpoints
-- Of these tenants. What is there is found by the unique index: a join would read the new rows too, while they are made.
INSERT INTO checkpoints (tenant, projection, position)
SELECT l.tenant, p.projection, 0
FROM ordertrail.ledgers AS l CROSS JOIN unnest(%(projections)s) AS p (projection)
WHERE l.tenant = ANY (%(tenants)s)
ON CONFLICT DO NOTHING

-- name: behind
-- within: of the ledgers that were written to in this time before now; of all, if it is NULL.
-- A stopped projection is tried again after half a minute, since it may have been mended. One that is ahead of its
-- ledger is found too: it must be stopped before the ledger passes it. Checkpoints are looked up for each ledger, as the
-- few that were written to lately need only a few of them.
SELECT l.tenant, views.number < cardinality(%(projections)s) AS has_missing
FROM ordertrail.ledgers AS l
CROSS JOIN LATERAL (
    SELECT count(*) AS number,
           count(*) FILTER (
               WHERE c.position <> l.position AND NOT c.must_be_rebuilt
                 AND (c.error IS NULL OR c.updated_at < now() - interval '30 seconds')
           ) AS behind
    FROM checkpoints AS c
    WHERE c.tenant = l.tenant AND c.projection = ANY (%(projections)s)
      AND (%(tenants)s::text[] IS NULL OR c.tenant COLLATE "default" = ANY (%(tenants)s::text[]))
) AS views
WHERE l.active_at >= coalesce(statement_timestamp() - %(within)s::interval, '-infinity')
  AND (views.behind > 0 OR views.number < cardinality(%(projections)s))
  AND (%(tenants)s::text[] IS NULL OR l.tenant = ANY (%(tenants)s::text[]))

-- name: hold_checkpoints
SELECT projection, position,
       CASE WHEN must_be_rebuilt OR updated_at > now() - interval '30 seconds' THEN error END AS error
FROM checkpoints
WHERE tenant = %(tenant)s AND projection = ANY (%(projections)s)
ORDER BY projection
FOR UPDATE SKIP LOCKED

-- name: next_events
-- A tenant's next events, if all of its views are at one position, and none has stopped; an event without columns if
-- there is none. All this is read at one moment.
SELECT at.seen, e.*
FROM (
    SELECT l.position AS head, min(c.position) AS seen
    FROM ordertrail.ledgers AS l
    JOIN ordertrail.checkpoints AS c ON c.tenant = %(tenant)s AND c.projection = ANY (%(projections)s)
    WHERE l.tenant = %(tenant)s
    GROUP BY l.position
    HAVING count(*) FILTER (WHERE c.error IS NULL AND NOT c.must_be_rebuilt) = cardinality(%(projections)s)
       AND min(c.position) = max(c.position) AND max(c.position) <= l.position
) AS at
LEFT JOIN LATERAL (
    SELECT position, stream, version, event_id, type,
           CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN data END,
           CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN metadata END,
           occurred_at, recorded_at
    FROM ordertrail.events
    WHERE tenant = %(tenant)s AND position > at.seen AND position <= at.head
    ORDER BY position
    LIMIT %(limit)s
) AS e ON true

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
