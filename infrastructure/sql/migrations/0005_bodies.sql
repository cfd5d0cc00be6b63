-- The bodies of logged calls, and how long they are kept.

-- Large bodies, each encrypted with its subject's key; the digest is the SHA-256 of the encrypted body.
CREATE TABLE ordertrail.bodies (
    tenant text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    subject text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_body_is_stored_once PRIMARY KEY (tenant, digest)
);

-- A tenant without a row, or without a period, keeps them for ever. The bodies of the calls in events up to expired are
-- deleted, or will be at any moment. One position is enough, because events are in the order in which they were
-- recorded.
CREATE TABLE ordertrail.retention (
    tenant text COLLATE "C" NOT NULL,
    keep interval,
    expired bigint NOT NULL DEFAULT 0,
    CONSTRAINT a_tenant_keeps_bodies_for_one_period PRIMARY KEY (tenant),
    CONSTRAINT a_period_is_not_negative CHECK (keep >= interval '0')
);
