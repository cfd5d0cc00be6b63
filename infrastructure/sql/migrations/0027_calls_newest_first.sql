-- The calls about all orders of a tenant, newest first.
CREATE INDEX calls_newest_first ON ordertrail.system_log (tenant, position);
