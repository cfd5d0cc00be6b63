-- For how long what was said in calls is kept.

-- A tenant without a row, or without a period, keeps it for ever. What was said in the calls that events up to expired
-- tell of is gone, or goes at any moment: events are in the order in which they were recorded, so one position says it.
CREATE TABLE ordertrail.retention (
    tenant text COLLATE "C" NOT NULL,
    keep interval,
    expired bigint NOT NULL DEFAULT 0,
    CONSTRAINT a_tenant_keeps_bodies_for_one_period PRIMARY KEY (tenant),
    CONSTRAINT a_period_is_not_negative CHECK (keep >= interval '0')
);
REVOKE DELETE ON ordertrail.retention FROM ordertrail_runtime;
GRANT SELECT, INSERT, UPDATE ON ordertrail.retention TO ordertrail_runtime;
