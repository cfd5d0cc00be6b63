-- SHOPLINE's log is ordered by the only time it shows, and at the same time by the order of recording.
CREATE INDEX actions_by_time ON ordertrail.action_log (tenant, order_id, occurred_at, position);

-- Dintero's events carry the order's version after them.
ALTER TABLE ordertrail.service_events ADD COLUMN version bigint;
UPDATE ordertrail.service_events AS s SET version = e.version
FROM ordertrail.events AS e WHERE e.tenant = s.tenant AND e.position = s.position;
ALTER TABLE ordertrail.service_events ALTER COLUMN version SET NOT NULL;
