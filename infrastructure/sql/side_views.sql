-- name: create
-- Tables like those of the views and their checkpoints, with the same names, for this session only.
CREATE TEMPORARY TABLE checkpoints (LIKE ordertrail.checkpoints INCLUDING ALL);
CREATE TEMPORARY TABLE action_log (LIKE ordertrail.action_log INCLUDING ALL);
CREATE TEMPORARY TABLE service_events (LIKE ordertrail.service_events INCLUDING ALL);
CREATE TEMPORARY TABLE order_state (LIKE ordertrail.order_state INCLUDING ALL);
CREATE TEMPORARY TABLE system_log (LIKE ordertrail.system_log INCLUDING ALL);
CREATE TEMPORARY TABLE integration_log (LIKE ordertrail.integration_log INCLUDING ALL);
CREATE TEMPORARY TABLE integrations (LIKE ordertrail.integrations INCLUDING ALL);
CREATE TEMPORARY TABLE timeline (LIKE ordertrail.timeline INCLUDING ALL);
-- A name that is none of these must not be taken for a table of the live views.
SET search_path TO pg_temp;

-- name: begin
INSERT INTO pg_temp.checkpoints (tenant, projection, position)
SELECT %(tenant)s, projection, 0 FROM unnest(%(views)s) AS projection

-- name: create_live_checkpoints
INSERT INTO ordertrail.checkpoints (tenant, projection, position)
SELECT %(tenant)s, projection, 0 FROM unnest(%(views)s) AS projection
ON CONFLICT DO NOTHING

-- name: checkpoints
SELECT projection, position, error FROM pg_temp.checkpoints ORDER BY projection

-- name: live_positions
SELECT projection, position FROM ordertrail.checkpoints
WHERE tenant = %(tenant)s AND projection = ANY (%(views)s)

-- name: views_ahead
SELECT c.projection, c.position, l.position
FROM ordertrail.ledgers AS l JOIN ordertrail.checkpoints AS c ON c.tenant = l.tenant
WHERE l.tenant = %(tenant)s AND c.tenant = %(tenant)s AND c.projection = ANY (%(views)s)
  AND (c.position > l.position OR c.must_be_rebuilt)
ORDER BY c.projection

-- name: hold_live_checkpoints
SELECT FROM ordertrail.checkpoints
WHERE tenant = %(tenant)s AND projection = ANY (%(views)s)
ORDER BY projection
FOR UPDATE

-- name: take_over_checkpoints
UPDATE ordertrail.checkpoints AS live
SET position = side.position, error = NULL, must_be_rebuilt = false, updated_at = now()
FROM pg_temp.checkpoints AS side
WHERE live.tenant = %(tenant)s AND live.projection = side.projection

-- name: begin_edition
-- Pages that were rendered from the old rows are not shown again.
INSERT INTO ordertrail.editions AS e (tenant, number) VALUES (%(tenant)s, 1)
ON CONFLICT (tenant) DO UPDATE SET number = e.number + 1

-- name: analyze
-- Nothing else analyzes temporary tables, and the statements below join them as a whole.
ANALYZE pg_temp.action_log, pg_temp.service_events, pg_temp.order_state, pg_temp.system_log, pg_temp.integration_log,
        pg_temp.integrations, pg_temp.timeline

-- name: differences_action_log
SELECT row_to_json(live), row_to_json(side)
FROM (SELECT * FROM ordertrail.action_log WHERE tenant = %(tenant)s) AS live
FULL JOIN pg_temp.action_log AS side USING (order_id, position)
WHERE live::text IS DISTINCT FROM side::text
ORDER BY order_id, position

-- name: remove_action_log
DELETE FROM ordertrail.action_log AS live
WHERE tenant = %(tenant)s AND NOT EXISTS (
    SELECT FROM pg_temp.action_log AS side
    WHERE side.order_id = live.order_id AND side.position = live.position AND side::text = live::text
)

-- name: add_action_log
INSERT INTO ordertrail.action_log
SELECT * FROM pg_temp.action_log AS side
WHERE NOT EXISTS (
    SELECT FROM ordertrail.action_log AS live
    WHERE live.tenant = %(tenant)s AND side.order_id = live.order_id AND side.position = live.position
)

-- name: differences_service_events
SELECT row_to_json(live), row_to_json(side)
FROM (SELECT * FROM ordertrail.service_events WHERE tenant = %(tenant)s) AS live
FULL JOIN pg_temp.service_events AS side USING (order_id, position)
WHERE live::text IS DISTINCT FROM side::text
ORDER BY order_id, position

-- name: remove_service_events
DELETE FROM ordertrail.service_events AS live
WHERE tenant = %(tenant)s AND NOT EXISTS (
    SELECT FROM pg_temp.service_events AS side
    WHERE side.order_id = live.order_id AND side.position = live.position AND side::text = live::text
)

-- name: add_service_events
INSERT INTO ordertrail.service_events
SELECT * FROM pg_temp.service_events AS side
WHERE NOT EXISTS (
    SELECT FROM ordertrail.service_events AS live
    WHERE live.tenant = %(tenant)s AND side.order_id = live.order_id AND side.position = live.position
)

-- name: differences_order_state
SELECT row_to_json(live), row_to_json(side)
FROM (SELECT * FROM ordertrail.order_state WHERE tenant = %(tenant)s) AS live
FULL JOIN pg_temp.order_state AS side USING (order_id)
WHERE live::text IS DISTINCT FROM side::text
ORDER BY order_id

-- name: remove_order_state
DELETE FROM ordertrail.order_state AS live
WHERE tenant = %(tenant)s AND NOT EXISTS (
    SELECT FROM pg_temp.order_state AS side
    WHERE side.order_id = live.order_id AND side::text = live::text
)

-- name: add_order_state
INSERT INTO ordertrail.order_state
SELECT * FROM pg_temp.order_state AS side
WHERE NOT EXISTS (
    SELECT FROM ordertrail.order_state AS live
    WHERE live.tenant = %(tenant)s AND side.order_id = live.order_id
)

-- name: differences_system_log
SELECT row_to_json(live), row_to_json(side)
FROM (SELECT * FROM ordertrail.system_log WHERE tenant = %(tenant)s) AS live
FULL JOIN pg_temp.system_log AS side USING (order_id, position)
WHERE live::text IS DISTINCT FROM side::text
ORDER BY order_id, position

-- name: remove_system_log
DELETE FROM ordertrail.system_log AS live
WHERE tenant = %(tenant)s AND NOT EXISTS (
    SELECT FROM pg_temp.system_log AS side
    WHERE side.order_id = live.order_id AND side.position = live.position AND side::text = live::text
)

-- name: add_system_log
INSERT INTO ordertrail.system_log
SELECT * FROM pg_temp.system_log AS side
WHERE NOT EXISTS (
    SELECT FROM ordertrail.system_log AS live
    WHERE live.tenant = %(tenant)s AND side.order_id = live.order_id AND side.position = live.position
)

-- name: differences_integration_log
SELECT row_to_json(live), row_to_json(side)
FROM (SELECT * FROM ordertrail.integration_log WHERE tenant = %(tenant)s) AS live
FULL JOIN pg_temp.integration_log AS side USING (integration_id, position)
WHERE live::text IS DISTINCT FROM side::text
ORDER BY integration_id, position

-- name: remove_integration_log
DELETE FROM ordertrail.integration_log AS live
WHERE tenant = %(tenant)s AND NOT EXISTS (
    SELECT FROM pg_temp.integration_log AS side
    WHERE side.integration_id = live.integration_id AND side.position = live.position AND side::text = live::text
)

-- name: add_integration_log
INSERT INTO ordertrail.integration_log
SELECT * FROM pg_temp.integration_log AS side
WHERE NOT EXISTS (
    SELECT FROM ordertrail.integration_log AS live
    WHERE live.tenant = %(tenant)s AND side.integration_id = live.integration_id AND side.position = live.position
)

-- name: differences_integrations
SELECT row_to_json(live), row_to_json(side)
FROM (SELECT * FROM ordertrail.integrations WHERE tenant = %(tenant)s) AS live
FULL JOIN pg_temp.integrations AS side USING (integration_id)
WHERE live::text IS DISTINCT FROM side::text
ORDER BY integration_id

-- name: remove_integrations
DELETE FROM ordertrail.integrations AS live
WHERE tenant = %(tenant)s AND NOT EXISTS (
    SELECT FROM pg_temp.integrations AS side
    WHERE side.integration_id = live.integration_id AND side::text = live::text
)

-- name: add_integrations
INSERT INTO ordertrail.integrations
SELECT * FROM pg_temp.integrations AS side
WHERE NOT EXISTS (
    SELECT FROM ordertrail.integrations AS live
    WHERE live.tenant = %(tenant)s AND side.integration_id = live.integration_id
)

-- name: differences_timeline
SELECT row_to_json(live), row_to_json(side)
FROM (SELECT * FROM ordertrail.timeline WHERE tenant = %(tenant)s) AS live
FULL JOIN pg_temp.timeline AS side USING (order_id, position)
WHERE live::text IS DISTINCT FROM side::text
ORDER BY order_id, position

-- name: remove_timeline
DELETE FROM ordertrail.timeline AS live
WHERE tenant = %(tenant)s AND NOT EXISTS (
    SELECT FROM pg_temp.timeline AS side
    WHERE side.order_id = live.order_id AND side.position = live.position AND side::text = live::text
)

-- name: add_timeline
INSERT INTO ordertrail.timeline
SELECT * FROM pg_temp.timeline AS side
WHERE NOT EXISTS (
    SELECT FROM ordertrail.timeline AS live
    WHERE live.tenant = %(tenant)s AND side.order_id = live.order_id AND side.position = live.position
)
