-- SHOPLINE's log is in the order of the only time it shows; at one time, in the order of recording.
CREATE INDEX actions_by_time ON ordertrail.action_log (tenant, order_id, occurred_at, position);
