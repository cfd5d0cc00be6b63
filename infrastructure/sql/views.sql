-- name: create_missing_checkpoints
INSERT INTO ordertrail.checkpoints (tenant, projection, position)
SELECT l.tenant, p.projection, 0
FROM ordertrail.ledgers AS l CROSS JOIN unnest(%(projections)s) AS p (projection)
WHERE NOT EXISTS (
    SELECT FROM ordertrail.checkpoints AS c WHERE c.tenant = l.tenant AND c.projection = p.projection
)
ON CONFLICT DO NOTHING

-- name: behind
-- A stopped projection is tried again after half a minute: by then it may have been mended.
SELECT DISTINCT l.tenant
FROM ordertrail.ledgers AS l
JOIN ordertrail.checkpoints AS c ON c.tenant = l.tenant AND c.position < l.position
WHERE c.projection = ANY (%(projections)s)
  AND (c.error IS NULL OR c.updated_at < now() - interval '30 seconds')

-- name: hold_checkpoints
SELECT projection, position,
       CASE WHEN updated_at > now() - interval '30 seconds' THEN error END AS error
FROM ordertrail.checkpoints
WHERE tenant = %(tenant)s AND projection = ANY (%(projections)s)
ORDER BY projection
FOR UPDATE SKIP LOCKED

-- name: wait_for_checkpoints
SELECT projection, position, NULL AS error
FROM ordertrail.checkpoints
WHERE tenant = %(tenant)s AND projection = ANY (%(projections)s)
ORDER BY projection
FOR UPDATE

-- name: advance
UPDATE ordertrail.checkpoints SET position = %(position)s, error = NULL, updated_at = now()
WHERE tenant = %(tenant)s AND projection = %(projection)s

-- name: stop
UPDATE ordertrail.checkpoints SET error = %(error)s, updated_at = now()
WHERE tenant = %(tenant)s AND projection = %(projection)s

-- name: save_action_log
INSERT INTO ordertrail.action_log
    (tenant, order_id, position, occurred_at, type, schema_version, data, actor_id, actor_name, actor_type,
     application_id)
SELECT %(tenant)s, r.order_id, r.position, r.occurred_at, r.type, r.schema_version, r.data::json,
       r.actor_id, r.actor_name, r.actor_type, r.application_id
FROM unnest(
    %(order_id)s, %(position)s, %(occurred_at)s, %(type)s, %(schema_version)s, %(data)s,
    %(actor_id)s, %(actor_name)s, %(actor_type)s, %(application_id)s
) AS r (order_id, position, occurred_at, type, schema_version, data, actor_id, actor_name, actor_type, application_id)

-- name: clear_action_log
DELETE FROM ordertrail.action_log WHERE tenant = %(tenant)s

-- name: save_service_events
INSERT INTO ordertrail.service_events
    (tenant, order_id, position, recorded_at, event_id, state, service, service_status, description, metadata, created_by)
SELECT %(tenant)s, r.order_id, r.position, r.recorded_at, r.event_id, r.state, r.service, r.service_status,
       r.description, r.metadata::json, r.created_by
FROM unnest(
    %(order_id)s, %(position)s, %(recorded_at)s, %(event_id)s, %(state)s, %(service)s, %(service_status)s,
    %(description)s, %(metadata)s, %(created_by)s
) AS r (order_id, position, recorded_at, event_id, state, service, service_status, description, metadata, created_by)

-- name: clear_service_events
DELETE FROM ordertrail.service_events WHERE tenant = %(tenant)s

-- name: save_system_log
INSERT INTO ordertrail.system_log
    (tenant, order_id, position, event_id, correlation_id, carrier_id, direction, request_type, response_code)
SELECT %(tenant)s, r.*
FROM unnest(
    %(order_id)s, %(position)s, %(event_id)s, %(correlation_id)s, %(carrier_id)s, %(direction)s, %(request_type)s,
    %(response_code)s
) AS r

-- name: clear_system_log
DELETE FROM ordertrail.system_log WHERE tenant = %(tenant)s

-- name: save_integration_log
INSERT INTO ordertrail.integration_log
    (tenant, integration_id, position, occurred_at, exception_type, response_code)
SELECT %(tenant)s, r.*
FROM unnest(%(integration_id)s, %(position)s, %(occurred_at)s, %(exception_type)s, %(response_code)s) AS r

-- name: clear_integration_log
DELETE FROM ordertrail.integration_log WHERE tenant = %(tenant)s

-- name: save_timeline
INSERT INTO ordertrail.timeline (tenant, order_id, position, kind, type, occurred_at)
SELECT %(tenant)s, r.*
FROM unnest(%(order_id)s, %(position)s, %(kind)s, %(type)s, %(occurred_at)s) AS r

-- name: clear_timeline
DELETE FROM ordertrail.timeline WHERE tenant = %(tenant)s

-- name: present_order_state
SELECT order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search,
       convert_to(detail::text, 'UTF8')
FROM ordertrail.order_state
WHERE tenant = %(tenant)s AND order_id = ANY (%(ids)s)

-- name: save_order_state
INSERT INTO ordertrail.order_state
    (tenant, order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search,
     detail)
SELECT %(tenant)s, r.order_id, r.first_position, r.updated_at, r.reference, r.state, r.status, r.payment_status,
       r.delivery_status, r.search, r.detail::json
FROM unnest(
    %(order_id)s, %(first_position)s, %(updated_at)s, %(reference)s, %(state)s, %(status)s, %(payment_status)s,
    %(delivery_status)s, %(search)s, %(detail)s
) AS r (order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search, detail)
ON CONFLICT (tenant, order_id) DO UPDATE SET
    updated_at = excluded.updated_at, reference = excluded.reference, state = excluded.state,
    status = excluded.status, payment_status = excluded.payment_status, delivery_status = excluded.delivery_status,
    search = excluded.search, detail = excluded.detail

-- name: clear_order_state
DELETE FROM ordertrail.order_state WHERE tenant = %(tenant)s
