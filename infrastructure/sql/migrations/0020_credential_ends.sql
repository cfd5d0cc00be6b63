-- The end of credentials: they are revoked, or their secret is replaced. Rows are never deleted, because they tell who
-- had access, and until when.

-- The secret before the present one is valid until earlier_until. A secret that ended at once is not kept.
ALTER TABLE ordertrail.credentials
    ADD COLUMN revoked_at timestamptz,
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN earlier_digest bytea,
    ADD COLUMN earlier_until timestamptz,
    ADD CONSTRAINT an_earlier_secret_has_an_end CHECK (num_nulls(earlier_digest, earlier_until) IN (0, 2)),
    ADD CONSTRAINT an_earlier_secret_was_replaced CHECK (earlier_digest IS NULL OR rotated_at IS NOT NULL);
