-- name: progress
-- A view that has no checkpoint yet has read nothing.
SELECT l.position,
       CASE WHEN count(c.projection) = cardinality(%(views)s::text[]) THEN min(c.position) ELSE 0 END,
       coalesce(bool_or(c.error IS NOT NULL), false)
FROM ordertrail.ledgers AS l
LEFT JOIN ordertrail.checkpoints AS c ON c.tenant = l.tenant AND c.projection = ANY (%(views)s)
WHERE l.tenant = %(tenant)s
GROUP BY l.position

-- name: action_log
SELECT order_id, position, occurred_at, type, schema_version, convert_to(data::text, 'UTF8'), actor_id, actor_name,
       actor_type, application_id
FROM ordertrail.action_log
WHERE tenant = %(tenant)s AND order_id = %(order_id)s
ORDER BY position DESC
LIMIT %(limit)s

-- name: service_events
SELECT order_id, position, recorded_at, event_id, state, service, service_status, description,
       convert_to(metadata::text, 'UTF8'), created_by
FROM ordertrail.service_events
WHERE tenant = %(tenant)s AND order_id = %(order_id)s
ORDER BY position DESC
LIMIT %(limit)s

-- name: order
SELECT order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search,
       convert_to(detail::text, 'UTF8')
FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND order_id = %(order_id)s

-- name: order_id_of
SELECT order_id FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND reference = %(reference)s
ORDER BY first_position DESC
LIMIT 1

-- name: orders
SELECT order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search,
       convert_to(detail::text, 'UTF8')
FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND first_position < %(before)s
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(updated_from)s::timestamptz IS NULL OR updated_at >= %(updated_from)s)
  AND (%(updated_to)s::timestamptz IS NULL OR updated_at < %(updated_to)s)
  AND (%(text)s::text IS NULL OR position(%(text)s IN search) > 0)
ORDER BY first_position DESC
LIMIT %(limit)s

-- name: timeline_asc
SELECT t.kind, e.position, e.stream, e.version, e.event_id, e.type, e.data, e.metadata, e.occurred_at, e.recorded_at
FROM ordertrail.timeline AS t JOIN ordertrail.events AS e USING (tenant, position)
WHERE t.tenant = %(tenant)s AND t.order_id = %(order_id)s AND t.position > %(cursor)s
  AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
  AND (%(type)s::text IS NULL OR t.type = %(type)s)
  AND (%(occurred_from)s::timestamptz IS NULL OR t.occurred_at >= %(occurred_from)s)
  AND (%(occurred_to)s::timestamptz IS NULL OR t.occurred_at < %(occurred_to)s)
ORDER BY t.position
LIMIT %(limit)s

-- name: timeline_desc
SELECT t.kind, e.position, e.stream, e.version, e.event_id, e.type, e.data, e.metadata, e.occurred_at, e.recorded_at
FROM ordertrail.timeline AS t JOIN ordertrail.events AS e USING (tenant, position)
WHERE t.tenant = %(tenant)s AND t.order_id = %(order_id)s AND t.position < %(cursor)s
  AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
  AND (%(type)s::text IS NULL OR t.type = %(type)s)
  AND (%(occurred_from)s::timestamptz IS NULL OR t.occurred_at >= %(occurred_from)s)
  AND (%(occurred_to)s::timestamptz IS NULL OR t.occurred_at < %(occurred_to)s)
ORDER BY t.position DESC
LIMIT %(limit)s
