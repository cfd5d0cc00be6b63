-- name: progress
-- How far views are, and the newest entry of some orders in the shown view, all at one moment. A view without a
-- checkpoint has read nothing. If a view's checkpoint is beyond the ledger, nobody knows what it has read.
SELECT l.position, c.reached, c.is_stopped, coalesce(e.number, 0), n.newest
FROM ordertrail.ledgers AS l
CROSS JOIN LATERAL (
    SELECT CASE WHEN count(*) < cardinality(%(views)s::text[]) THEN 0
                ELSE min(CASE WHEN position > l.position OR must_be_rebuilt THEN 0 ELSE position END) END AS reached,
           coalesce(bool_or(error IS NOT NULL OR position > l.position), false) AS is_stopped
    FROM ordertrail.checkpoints WHERE tenant = %(tenant)s AND projection = ANY (%(views)s)
) AS c
LEFT JOIN ordertrail.editions AS e ON e.tenant = l.tenant
CROSS JOIN LATERAL (
    SELECT array_agg(coalesce(newest.position, 0) ORDER BY o.n) AS newest
    FROM unnest(%(order_ids)s::text[]) WITH ORDINALITY AS o (order_id, n)
    LEFT JOIN LATERAL (
        (
            SELECT position FROM ordertrail.action_log
            WHERE %(shown)s = 'action_log' AND tenant = %(tenant)s AND order_id = o.order_id
            ORDER BY position DESC
            LIMIT 1
        )
        UNION ALL
        (
            SELECT position FROM ordertrail.timeline
            WHERE %(shown)s = 'timeline' AND tenant = %(tenant)s AND order_id = o.order_id
            ORDER BY position DESC
            LIMIT 1
        )
    ) AS newest ON true
) AS n
WHERE l.tenant = %(tenant)s

-- name: newest_actions
-- This sorts all actions of an order, which has hundreds, rarely thousands. Only the shown ones are read from the
-- ledger.
SELECT e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM (
    SELECT position, occurred_at FROM ordertrail.timeline
    WHERE tenant = %(tenant)s AND order_id = %(order_id)s AND kind = 'action'
    ORDER BY occurred_at DESC, position DESC
    LIMIT %(limit)s
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM ordertrail.events AS e WHERE e.tenant = %(tenant)s AND e.position = page.position LIMIT 1
) AS e
ORDER BY page.occurred_at DESC, page.position DESC

-- name: order_id_of
SELECT order_id FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND reference = %(reference)s
ORDER BY first_position DESC
LIMIT 1

-- name: orders
-- The orders of a page. The statement that is composed around this one (infrastructure/views/composed.py) reads their
-- columns.
SELECT * FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND first_position < %(before)s
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(updated_from)s::timestamptz IS NULL OR updated_at >= %(updated_from)s)
  AND (%(updated_to)s::timestamptz IS NULL OR updated_at < %(updated_to)s)
  AND (%(text)s::text IS NULL OR position(%(text)s IN search) > 0)
  AND (%(service)s::text IS NULL OR detail -> 'services' -> %(service)s IS NOT NULL)
ORDER BY first_position DESC
LIMIT %(limit)s

-- name: system_log
-- Rows that a page skips are not read from the ledger.
SELECT e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM (
    SELECT position FROM ordertrail.system_log
    WHERE tenant = %(tenant)s AND order_id = %(order_id)s
      AND (%(correlation_id)s::text IS NULL OR correlation_id = %(correlation_id)s)
      AND (%(carrier_id)s::text IS NULL OR carrier_id = %(carrier_id)s)
      AND (%(direction)s::text IS NULL OR direction = %(direction)s)
      AND (%(request_type)s::text IS NULL OR request_type = %(request_type)s)
      AND (%(response_from)s::bigint IS NULL OR response_code >= %(response_from)s)
      AND (%(response_to)s::bigint IS NULL OR response_code <= %(response_to)s)
    ORDER BY position
    LIMIT %(limit)s OFFSET %(offset)s
) AS l JOIN ordertrail.events AS e ON e.tenant = %(tenant)s AND e.position = l.position
ORDER BY e.position

-- name: timeline_asc
SELECT t.kind,
       coalesce((
           SELECT min(g.position) FROM ordertrail.timeline AS g
           WHERE g.tenant = %(tenant)s AND g.order_id = t.order_id AND g.correlation_id = t.correlation_id
       ), t.position),
       e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM ordertrail.timeline AS t JOIN ordertrail.events AS e USING (tenant, position)
WHERE t.tenant = %(tenant)s AND t.order_id = %(order_id)s AND t.position > %(cursor)s
  AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
  AND (%(type)s::text IS NULL OR t.type = %(type)s)
  AND (%(correlation_id)s::text IS NULL OR t.correlation_id = %(correlation_id)s)
  AND (%(occurred_from)s::timestamptz IS NULL OR t.occurred_at >= %(occurred_from)s)
  AND (%(occurred_to)s::timestamptz IS NULL OR t.occurred_at < %(occurred_to)s)
ORDER BY t.position
LIMIT %(limit)s

-- name: timeline_desc
SELECT t.kind,
       coalesce((
           SELECT min(g.position) FROM ordertrail.timeline AS g
           WHERE g.tenant = %(tenant)s AND g.order_id = t.order_id AND g.correlation_id = t.correlation_id
       ), t.position),
       e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM ordertrail.timeline AS t JOIN ordertrail.events AS e USING (tenant, position)
WHERE t.tenant = %(tenant)s AND t.order_id = %(order_id)s AND t.position < %(cursor)s
  AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
  AND (%(type)s::text IS NULL OR t.type = %(type)s)
  AND (%(correlation_id)s::text IS NULL OR t.correlation_id = %(correlation_id)s)
  AND (%(occurred_from)s::timestamptz IS NULL OR t.occurred_at >= %(occurred_from)s)
  AND (%(occurred_to)s::timestamptz IS NULL OR t.occurred_at < %(occurred_to)s)
ORDER BY t.position DESC
LIMIT %(limit)s

-- name: exceptions_asc
-- First the page's positions, then its events one by one: otherwise the join would read through the whole ledger.
SELECT e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM (
    SELECT l.position FROM ordertrail.integration_log AS l
    WHERE l.tenant = %(tenant)s AND l.integration_id = %(integration_id)s AND l.position > %(cursor)s
      AND (%(occurred_before)s::timestamptz IS NULL OR l.occurred_at < %(occurred_before)s)
    ORDER BY l.position
    LIMIT %(limit)s
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM ordertrail.events AS e WHERE e.tenant = %(tenant)s AND e.position = page.position LIMIT 1
) AS e
ORDER BY page.position

-- name: exceptions_desc
SELECT e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM (
    SELECT l.position FROM ordertrail.integration_log AS l
    WHERE l.tenant = %(tenant)s AND l.integration_id = %(integration_id)s AND l.position < %(cursor)s
      AND (%(occurred_before)s::timestamptz IS NULL OR l.occurred_at < %(occurred_before)s)
    ORDER BY l.position DESC
    LIMIT %(limit)s
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM ordertrail.events AS e WHERE e.tenant = %(tenant)s AND e.position = page.position LIMIT 1
) AS e
ORDER BY page.position DESC

-- name: exceptions_of_all_asc
SELECT e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM (
    SELECT l.position FROM ordertrail.integration_log AS l
    WHERE l.tenant = %(tenant)s AND l.position > %(cursor)s
      AND (%(occurred_before)s::timestamptz IS NULL OR l.occurred_at < %(occurred_before)s)
    ORDER BY l.position
    LIMIT %(limit)s
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM ordertrail.events AS e WHERE e.tenant = %(tenant)s AND e.position = page.position LIMIT 1
) AS e
ORDER BY page.position

-- name: exceptions_of_all_desc
SELECT e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM (
    SELECT l.position FROM ordertrail.integration_log AS l
    WHERE l.tenant = %(tenant)s AND l.position < %(cursor)s
      AND (%(occurred_before)s::timestamptz IS NULL OR l.occurred_at < %(occurred_before)s)
    ORDER BY l.position DESC
    LIMIT %(limit)s
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM ordertrail.events AS e WHERE e.tenant = %(tenant)s AND e.position = page.position LIMIT 1
) AS e
ORDER BY page.position DESC

-- name: ring
-- Wakes the projector. It is not worth a flush of the log: if it is lost, the projector wakes by itself.
SELECT set_config('synchronous_commit', 'off', true), pg_notify(%(channel)s, tenant)
FROM unnest(%(tenants)s::text[]) AS tenant
