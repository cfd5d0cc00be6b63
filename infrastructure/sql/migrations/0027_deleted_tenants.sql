-- Tenants that were deleted, with the last signed checkpoint of their ledger. A ledger's name is the tenant's, and others
-- may hold checkpoints of it: another ledger of this name would contradict them.
CREATE TABLE ordertrail.deleted_tenants (
    tenant text COLLATE "C" NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT now(),
    deleted_by text NOT NULL,
    events bigint NOT NULL,
    checkpoint text,
    CONSTRAINT a_tenant_is_deleted_once PRIMARY KEY (tenant)
);
