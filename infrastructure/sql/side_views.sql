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
FROM unnest(%(projections)s, %(positions)s) AS side (projection, position)
WHERE live.tenant = %(tenant)s AND live.projection = side.projection

-- name: begin_edition
-- Pages that were rendered from the old rows are not shown again.
INSERT INTO ordertrail.editions AS e (tenant, number) VALUES (%(tenant)s, 1)
ON CONFLICT (tenant) DO UPDATE SET number = e.number + 1
