-- Tenants, and who may act for them. Every key of every table starts with the tenant, so that the schema can be
-- distributed by tenant.

-- A tenant owns one ledger. An implicit tenant's orders and integrations are created by their first event.
CREATE TABLE ordertrail.tenants (
    tenant text COLLATE "C" NOT NULL,
    implicit boolean NOT NULL DEFAULT false,
    dintero_account text COLLATE "C",
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_tenant_is_created_once PRIMARY KEY (tenant)
);

-- A credential belongs to one tenant and serves every dialect. Its secret is random, so a plain digest of it is stored.
-- performer_…: the person to whom its actions are attributed, if a person authorised the program to act for them.
-- A credential ends when it is revoked, or when its secret is replaced. Its row is never deleted, because it tells who
-- had access, and until when. The secret before the present one is valid until earlier_until. A secret that ended at
-- once is not kept.
CREATE TABLE ordertrail.credentials (
    tenant text COLLATE "C" NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    secret_digest bytea NOT NULL,
    scopes text[] NOT NULL,
    name text NOT NULL,
    performer_id text,
    performer_name text,
    performer_type text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    rotated_at timestamptz,
    earlier_digest bytea,
    earlier_until timestamptz,
    CONSTRAINT a_performer_is_described_in_full
        CHECK (num_nulls(performer_id, performer_name, performer_type) IN (0, 3)),
    CONSTRAINT an_earlier_secret_has_an_end CHECK (num_nulls(earlier_digest, earlier_until) IN (0, 2)),
    CONSTRAINT an_earlier_secret_was_replaced CHECK (earlier_digest IS NULL OR rotated_at IS NOT NULL),
    CONSTRAINT a_tenants_key_id_is_given_once PRIMARY KEY (tenant, key_id)
);
-- A request names its key id before we know its tenant.
CREATE INDEX credentials_by_key_id ON ordertrail.credentials (key_id);
-- A forgotten person may have credentials of their own.
CREATE INDEX credentials_by_performer ON ordertrail.credentials (tenant, performer_id);
-- Statistics hold samples of a column until its table is analyzed again, even of values that were erased long ago. The
-- planner does not need statistics of names.
ALTER TABLE ordertrail.credentials ALTER COLUMN name SET STATISTICS 0, ALTER COLUMN performer_name SET STATISTICS 0;

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
