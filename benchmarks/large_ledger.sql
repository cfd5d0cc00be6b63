-- A part of a tenant's ledger, with what the projections would make of it: events after one position up to another.
-- Orders have 125 events each, and 100 orders go on at the same time, so an order's events lie far apart.
-- The parts follow each other, and each is a multiple of 12,500 long. bench.tenant, bench.after and bench.upto are set.

INSERT INTO ordertrail.tenants (tenant) VALUES (current_setting('bench.tenant')) ON CONFLICT DO NOTHING;

INSERT INTO ordertrail.ledgers (tenant, position, recorded_at)
VALUES (current_setting('bench.tenant'), current_setting('bench.upto')::bigint, now())
ON CONFLICT (tenant) DO UPDATE SET position = excluded.position, recorded_at = excluded.recorded_at;

INSERT INTO ordertrail.checkpoints (tenant, projection, position)
SELECT current_setting('bench.tenant'), projection, current_setting('bench.upto')::bigint
FROM unnest(ARRAY[
    'action_log', 'service_events', 'order_state', 'system_log', 'integration_log', 'integrations', 'timeline'
]) AS p (projection)
ON CONFLICT (tenant, projection) DO UPDATE SET position = excluded.position;

-- The version of an event tells what happened.
CREATE TEMPORARY TABLE IF NOT EXISTS happenings (n bigint PRIMARY KEY, type text, data bytea);
INSERT INTO happenings VALUES
    (0, 'order.status_updated', '{"status":"confirmed","reason":"paid in full"}'),
    (1, 'order.payment_status_updated', '{"status":"completed"}'),
    (2, 'order.delivery_status_updated', '{"status":"shipped"}'),
    (3, 'order.comment_added', '{"text":"Call before delivery"}'),
    (4, 'order.delivery_status_updated', '{"status":"arrived"}'),
    (5, 'order.status_updated', '{"status":"completed","reason":"delivered"}'),
    (6, 'order.service_event_recorded',
     '{"state":"pending","service":"warehouse","service_status":"picking","description":"being picked"}'),
    (7, 'order.comment_added', '{"text":"Ring twice"}'),
    (8, 'order.system_log_recorded', '{"direction":"outbound","request_type":"ORDER_CREATE","response_code":200}'),
    (9, 'order.payment_status_updated', '{"status":"refunded","reason":"returned"}')
ON CONFLICT DO NOTHING;

INSERT INTO ordertrail.events
    (tenant, position, version, occurred_at, recorded_at, stream, event_id, type, data, metadata)
SELECT current_setting('bench.tenant'), e.n, version, now(), now(), 'order-A-' || number,
       '01900000-0000-7000-8000-' || lpad(e.n::text, 12, '0'),
       CASE version WHEN 1 THEN 'order.created' ELSE type END, CASE version WHEN 1 THEN '{"created_by":"shop"}' ELSE data END,
       convert_to(format(
           '{"schema_version":1,"actor":{"id":"60c1e027a47d91004377f129","name":"shop","type":"User"},"correlation_id":"c-%s"}',
           version / 4), 'UTF8')
FROM (
    SELECT p.n, (n - 1) / 12500 * 100 + (n - 1) % 100 + 1 AS number, (n - 1) % 12500 / 100 + 1 AS version
    FROM generate_series(current_setting('bench.after')::bigint + 1, current_setting('bench.upto')::bigint) AS p (n)
) AS e
JOIN happenings AS h ON h.n = e.version % 10
ORDER BY e.n;

CREATE TEMPORARY VIEW part AS
SELECT *, substr(stream, 7) AS order_id FROM ordertrail.events
WHERE tenant = current_setting('bench.tenant') AND position > current_setting('bench.after')::bigint
  AND position <= current_setting('bench.upto')::bigint;

INSERT INTO ordertrail.timeline (tenant, order_id, position, kind, type, occurred_at, correlation_id)
SELECT tenant, order_id, position,
       CASE type WHEN 'order.service_event_recorded' THEN 'service' WHEN 'order.system_log_recorded' THEN 'call'
                 ELSE 'action' END,
       type, occurred_at, convert_from(metadata, 'UTF8')::json ->> 'correlation_id'
FROM part;

INSERT INTO ordertrail.action_log
    (tenant, order_id, position, occurred_at, type, schema_version, data, actor_id, actor_name, actor_type)
SELECT tenant, order_id, position, occurred_at, type, 1, convert_from(data, 'UTF8')::json,
       '60c1e027a47d91004377f129', 'shop', 'User'
FROM part WHERE type NOT IN ('order.service_event_recorded', 'order.system_log_recorded');

INSERT INTO ordertrail.service_events
    (tenant, order_id, position, recorded_at, event_id, state, service, service_status, description, created_by,
     version)
SELECT tenant, order_id, position, recorded_at, event_id, d.state, d.service, d.service_status, d.description,
       '60c1e027a47d91004377f129', version
FROM part, json_to_record(convert_from(data, 'UTF8')::json)
    AS d (state text, service text, service_status text, description text)
WHERE type = 'order.service_event_recorded';

INSERT INTO ordertrail.system_log
    (tenant, order_id, position, event_id, correlation_id, direction, request_type, response_code, content_digest)
SELECT tenant, order_id, position, event_id, 'c-' || version / 4, 'outbound', 'ORDER_CREATE', 200, md5(event_id)
FROM part WHERE type = 'order.system_log_recorded';

INSERT INTO ordertrail.order_state
    (tenant, order_id, first_position, updated_at, reference, state, status, search, detail)
SELECT tenant, order_id, position, occurred_at, 'R-' || order_id, 'pending', 'confirmed', order_id,
       '{"version":125,"status":"confirmed","redacted":false}'
FROM part WHERE version = 1;

DROP VIEW part;
