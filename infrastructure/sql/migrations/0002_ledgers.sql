-- The ledger: a tenant's events and their order.

-- The head of each ledger. Its row lock decides the order of writes, so position order is commit order.
-- recorded_at is the time of the last append; times never run backwards along a ledger.
-- Up to the position imported, a ledger came from another installation. The keys of its personal data stayed there. The
-- keys of all later events are here.
-- active_at: the time of the last append, rounded down. It changes every ten seconds at most. All other appends leave the
-- index below as it is, so their new versions of the row stay on its page (HOT).
CREATE TABLE ordertrail.ledgers (
    tenant text COLLATE "C" NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT '-infinity',
    imported bigint NOT NULL DEFAULT 0,
    active_at timestamptz NOT NULL GENERATED ALWAYS AS (date_bin('10 seconds', recorded_at, 'epoch')) STORED,
    CONSTRAINT a_tenant_has_one_ledger PRIMARY KEY (tenant)
) WITH (fillfactor = 50);
-- The few ledgers that were written to a moment ago are found among many that were not.
CREATE INDEX active_ledgers ON ordertrail.ledgers (active_at);

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

-- The effect of an Idempotency-Key: the answer to a repeated request is read from these positions. A key that was used
-- long ago is deleted.
CREATE TABLE ordertrail.requests (
    tenant text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT an_idempotency_key_is_used_once PRIMARY KEY (tenant, idempotency_key)
);
-- Keys are deleted in about the order in which they were added, so a summary of each few pages finds the old ones. It
-- costs an append next to nothing.
CREATE INDEX old_requests ON ordertrail.requests USING brin (used_at) WITH (pages_per_range = 16, autosummarize = on);

-- Snapshots of the eventsourcing library's aggregates: a cache, not history.
CREATE TABLE ordertrail.snapshots (
    tenant text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT a_snapshot_is_taken_once PRIMARY KEY (tenant, stream, version)
);
