-- How often what is shown of a tenant was changed by something else than an event: a key was destroyed, views were
-- rebuilt. What was rendered before is not to be shown again.
CREATE TABLE ordertrail.editions (
    tenant text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT a_tenant_has_one_edition PRIMARY KEY (tenant)
);
