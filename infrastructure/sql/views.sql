-- Views and checkpoints are named without their schema: a rebuild has temporary tables with these names
-- (side_views.sql).

-- name: create_missing_checkpoints
INSERT INTO checkpoints (tenant, projection, position)
SELECT l.tenant, p.projection, 0
FROM ordertrail.ledgers AS l CROSS JOIN unnest(%(projections)s) AS p (projection)
WHERE NOT EXISTS (
    SELECT FROM checkpoints AS c WHERE c.tenant = l.tenant AND c.projection = p.projection
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

-- name: hold_checkpoints
-- The head may be older than a checkpoint that another projector has moved at this moment.
SELECT projection, position,
       CASE WHEN must_be_rebuilt OR updated_at > now() - interval '30 seconds' THEN error END AS error,
       (SELECT l.position FROM ordertrail.ledgers AS l WHERE l.tenant = %(tenant)s) AS head
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

-- name: save_action_log
INSERT INTO action_log
    (tenant, order_id, position, occurred_at, type, schema_version, data, actor_id, actor_name, actor_type,
     application_id, sealed_in)
SELECT %(tenant)s, r.order_id, r.position, r.occurred_at, r.type, r.schema_version, r.data::json,
       r.actor_id, r.actor_name, r.actor_type, r.application_id, r.sealed_in
FROM unnest(
    %(order_id)s, %(position)s, %(occurred_at)s, %(type)s, %(schema_version)s, %(data)s,
    %(actor_id)s, %(actor_name)s, %(actor_type)s, %(application_id)s, %(sealed_in)s
) AS r (order_id, position, occurred_at, type, schema_version, data, actor_id, actor_name, actor_type, application_id,
        sealed_in)

-- name: save_service_events
INSERT INTO service_events
    (tenant, order_id, position, recorded_at, event_id, state, service, service_status, description, metadata,
     created_by, version, sealed_in)
SELECT %(tenant)s, r.order_id, r.position, r.recorded_at, r.event_id, r.state, r.service, r.service_status,
       r.description, r.metadata::json, r.created_by, r.version, r.sealed_in
FROM unnest(
    %(order_id)s, %(position)s, %(recorded_at)s, %(event_id)s, %(state)s, %(service)s, %(service_status)s,
    %(description)s, %(metadata)s, %(created_by)s, %(version)s, %(sealed_in)s
) AS r (order_id, position, recorded_at, event_id, state, service, service_status, description, metadata, created_by,
        version, sealed_in)

-- name: save_system_log
INSERT INTO system_log
    (tenant, order_id, position, event_id, correlation_id, carrier_id, direction, request_type, response_code,
     content_digest)
SELECT %(tenant)s, r.*
FROM unnest(
    %(order_id)s, %(position)s, %(event_id)s, %(correlation_id)s, %(carrier_id)s, %(direction)s, %(request_type)s,
    %(response_code)s, %(content_digest)s
) AS r

-- name: save_integration_log
INSERT INTO integration_log
    (tenant, integration_id, position, occurred_at, exception_type, response_code)
SELECT %(tenant)s, r.*
FROM unnest(%(integration_id)s, %(position)s, %(occurred_at)s, %(exception_type)s, %(response_code)s) AS r

-- name: present_integrations
SELECT integration_id, version, created_at, updated_at, shop_name, shop_url, convert_to(details::text, 'UTF8'),
       started_failing_at
FROM integrations
WHERE tenant = %(tenant)s AND integration_id = ANY (%(ids)s::bigint[])

-- name: save_integrations
INSERT INTO integrations
    (tenant, integration_id, version, created_at, updated_at, shop_name, shop_url, details, started_failing_at)
SELECT %(tenant)s, r.integration_id, r.version, r.created_at, r.updated_at, r.shop_name, r.shop_url, r.details::json,
       r.started_failing_at
FROM unnest(
    %(integration_id)s, %(version)s, %(created_at)s, %(updated_at)s, %(shop_name)s, %(shop_url)s, %(details)s,
    %(started_failing_at)s
) AS r (integration_id, version, created_at, updated_at, shop_name, shop_url, details, started_failing_at)
ON CONFLICT (tenant, integration_id) DO UPDATE SET
    version = excluded.version, updated_at = excluded.updated_at, shop_name = excluded.shop_name,
    shop_url = excluded.shop_url, details = excluded.details, started_failing_at = excluded.started_failing_at

-- name: present_timeline
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

-- name: save_timeline
INSERT INTO timeline (tenant, order_id, position, kind, type, occurred_at, correlation_id, integration_id)
SELECT %(tenant)s, r.*
FROM unnest(
    %(order_id)s, %(position)s, %(kind)s, %(type)s, %(occurred_at)s, %(correlation_id)s, %(integration_id)s
) AS r

-- name: present_order_state
SELECT order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search,
       convert_to(detail::text, 'UTF8'), customer_from
FROM order_state
WHERE tenant = %(tenant)s AND order_id = ANY (%(ids)s)

-- name: save_order_state
INSERT INTO order_state
    (tenant, order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search,
     detail, customer_from)
SELECT %(tenant)s, r.order_id, r.first_position, r.updated_at, r.reference, r.state, r.status, r.payment_status,
       r.delivery_status, r.search, r.detail::json, r.customer_from
FROM unnest(
    %(order_id)s, %(first_position)s, %(updated_at)s, %(reference)s, %(state)s, %(status)s, %(payment_status)s,
    %(delivery_status)s, %(search)s, %(detail)s, %(customer_from)s
) AS r (order_id, first_position, updated_at, reference, state, status, payment_status, delivery_status, search, detail,
        customer_from)
ON CONFLICT (tenant, order_id) DO UPDATE SET
    updated_at = excluded.updated_at, reference = excluded.reference, state = excluded.state,
    status = excluded.status, payment_status = excluded.payment_status, delivery_status = excluded.delivery_status,
    search = excluded.search, detail = excluded.detail, customer_from = excluded.customer_from
