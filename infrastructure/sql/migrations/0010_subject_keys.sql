-- The keys that personal data in events is encrypted with.

-- A subject is whom personal data is about, named as its stream is: an order, an integration, a person. Its key is
-- encrypted with the installation's. A destroyed key leaves its row, so that its subject never gets another.
CREATE TABLE ordertrail.subject_keys (
    tenant text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    destroyed_by text,
    CONSTRAINT a_subject_has_one_key PRIMARY KEY (tenant, subject),
    CONSTRAINT a_key_is_there_or_was_destroyed_by_somebody
        CHECK (num_nulls(wrapped, destroyed_at) = 1 AND (destroyed_at IS NULL) = (destroyed_by IS NULL))
);
REVOKE UPDATE, DELETE ON ordertrail.subject_keys FROM ordertrail_runtime;
GRANT SELECT, INSERT, UPDATE (wrapped, destroyed_at, destroyed_by) ON ordertrail.subject_keys TO ordertrail_runtime;

-- Orders that were redacted before there were keys must not get one.
INSERT INTO ordertrail.subject_keys (tenant, subject, destroyed_at, destroyed_by)
SELECT tenant, stream, min(recorded_at), 'before there were keys'
FROM ordertrail.events WHERE type = 'order.redacted'
GROUP BY tenant, stream;
