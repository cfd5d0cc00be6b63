-- How often a tenant's views changed without an event: a key was destroyed, or views were rebuilt. Pages that were
-- rendered before are not shown again.
CREATE TABLE ordertrail.editions (
    tenant text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT a_tenant_has_one_edition PRIMARY KEY (tenant)
);
