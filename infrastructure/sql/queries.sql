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

-- name: action_log
-- Each action's size, and its data if it is not larger than inline (bounded_rows.py). PostgreSQL knows the length of
-- uncompressed JSON without fetching it. Compressed JSON is as long as the event's data, of which it is a copy.
SELECT order_id, position, occurred_at, type, schema_version,
       CASE WHEN pg_column_compression(l.data) IS NULL AND pg_column_size(l.data) <= %(inline)s
            THEN convert_to(data::text, 'UTF8') END,
       actor_id, actor_name, actor_type, application_id, sealed_in,
       CASE WHEN pg_column_compression(l.data) IS NULL THEN pg_column_size(l.data)
            ELSE (SELECT octet_length(e.data) FROM ordertrail.events AS e
                  WHERE e.tenant = %(tenant)s AND e.position = l.position) END AS size
FROM ordertrail.action_log AS l
WHERE tenant = %(tenant)s AND order_id = %(order_id)s
ORDER BY occurred_at DESC, position DESC
LIMIT %(limit)s

-- name: large_actions
SELECT position, convert_to(data::text, 'UTF8') FROM ordertrail.action_log
WHERE tenant = %(tenant)s AND order_id = %(order_id)s AND position = ANY (%(keys)s)

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

-- name: service_events
SELECT order_id, position, recorded_at, event_id, state, service, service_status, description,
       CASE WHEN pg_column_compression(l.metadata) IS NULL AND pg_column_size(l.metadata) <= %(inline)s
            THEN convert_to(metadata::text, 'UTF8') END,
       created_by, version, sealed_in,
       CASE WHEN metadata IS NULL THEN 0
            WHEN pg_column_compression(l.metadata) IS NULL THEN pg_column_size(l.metadata)
            ELSE (SELECT octet_length(e.data) FROM ordertrail.events AS e
                  WHERE e.tenant = %(tenant)s AND e.position = l.position) END AS size
FROM ordertrail.service_events AS l
WHERE tenant = %(tenant)s AND order_id = %(order_id)s
ORDER BY position DESC
LIMIT %(limit)s

-- name: large_reports
SELECT position, convert_to(metadata::text, 'UTF8') FROM ordertrail.service_events
WHERE tenant = %(tenant)s AND order_id = %(order_id)s AND position = ANY (%(keys)s)

-- name: large_reports
SELECT position, convert_to(metadata::text, 'UTF8') FROM ordertrail.service_events
WHERE tenant = %(tenant)s AND order_id = %(order_id)s AND position = ANY (%(keys)s)

-- name: order
SELECT order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search,
       convert_to(detail::text, 'UTF8'), customer_from
FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND order_id = %(order_id)s

-- name: order_id_of
SELECT order_id FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND reference = %(reference)s
ORDER BY first_position DESC
LIMIT 1

-- name: orders
SELECT order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search,
       CASE WHEN pg_column_compression(detail) IS NULL AND pg_column_size(detail) <= %(inline)s
            THEN convert_to(detail::text, 'UTF8') END,
       customer_from,
       CASE WHEN pg_column_compression(detail) IS NULL THEN pg_column_size(detail)
            ELSE octet_length(detail::text) END AS size
FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND first_position < %(before)s
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(updated_from)s::timestamptz IS NULL OR updated_at >= %(updated_from)s)
  AND (%(updated_to)s::timestamptz IS NULL OR updated_at < %(updated_to)s)
  AND (%(text)s::text IS NULL OR position(%(text)s IN search) > 0)
ORDER BY first_position DESC
LIMIT %(limit)s

-- name: large_orders
SELECT order_id, convert_to(detail::text, 'UTF8') FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND order_id = ANY (%(keys)s)

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
           WHERE g.tenant = t.tenant AND g.order_id = t.order_id AND g.correlation_id = t.correlation_id
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
           WHERE g.tenant = t.tenant AND g.order_id = t.order_id AND g.correlation_id = t.correlation_id
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

-- name: integration
SELECT integration_id, version, created_at, updated_at, shop_name, shop_url, convert_to(details::text, 'UTF8'),
       started_failing_at
FROM ordertrail.integrations
WHERE tenant = %(tenant)s AND integration_id = %(integration_id)s

-- name: integrations
SELECT integration_id, version, created_at, updated_at, shop_name, shop_url,
       CASE WHEN pg_column_compression(details) IS NULL AND pg_column_size(details) <= %(inline)s
            THEN convert_to(details::text, 'UTF8') END,
       started_failing_at,
       CASE WHEN pg_column_compression(details) IS NULL THEN pg_column_size(details)
            ELSE octet_length(details::text) END AS size
FROM ordertrail.integrations
WHERE tenant = %(tenant)s
ORDER BY integration_id
LIMIT %(limit)s

-- name: large_integrations
SELECT integration_id, convert_to(details::text, 'UTF8') FROM ordertrail.integrations
WHERE tenant = %(tenant)s AND integration_id = ANY (%(keys)s)

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
