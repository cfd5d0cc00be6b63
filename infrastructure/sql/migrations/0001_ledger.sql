-- The ledger: a tenant's events, their order, and who may write them.
-- Every key starts with the tenant, so that the same schema can be distributed by tenant.

-- A tenant owns one ledger. An implicit tenant's orders and integrations are created by their first event.
CREATE TABLE ordertrail.tenants (
    tenant text COLLATE "C" NOT NULL,
    implicit boolean NOT NULL DEFAULT false,
    dintero_account text COLLATE "C",
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_tenant_is_created_once PRIMARY KEY (tenant)
);

-- The head of each ledger. Its row lock decides the order of writes, so position order is commit order.
-- recorded_at is the time of the last append; times never run backwards along a ledger.
CREATE TABLE ordertrail.ledgers (
    tenant text COLLATE "C" NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT a_tenant_has_one_ledger PRIMARY KEY (tenant)
) WITH (fillfactor = 50);

-- The events themselves. data and metadata keep the exact bytes that were written.
CREATE TABLE ordertrail.events (
    tenant text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    stream text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    metadata bytea NOT NULL,
    CONSTRAINT a_position_holds_one_event PRIMARY KEY (tenant, position),
    CONSTRAINT a_stream_version_is_written_once UNIQUE (tenant, stream, version),
    CONSTRAINT an_event_id_is_recorded_once UNIQUE (tenant, event_id)
);

-- The effect of an Idempotency-Key: the answer to a repeated request is read from these positions.
CREATE TABLE ordertrail.requests (
    tenant text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT an_idempotency_key_is_used_once PRIMARY KEY (tenant, idempotency_key)
);

-- Snapshots of the eventsourcing library's aggregates: a cache, not history.
CREATE TABLE ordertrail.snapshots (
    tenant text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT a_snapshot_is_taken_once PRIMARY KEY (tenant, stream, version)
);

-- How far each projection has read the ledger. A stopped projection keeps its error, and the position before the event
-- that stopped it.
CREATE TABLE ordertrail.checkpoints (
    tenant text COLLATE "C" NOT NULL,
    projection text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    error text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_projection_has_one_checkpoint PRIMARY KEY (tenant, projection)
) WITH (fillfactor = 50);
