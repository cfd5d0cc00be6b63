-- What cannot be read, and what cannot be expected to be.

-- Up to this position, a ledger came from another installation. The keys of personal data in it stayed there; of what
-- is recorded after it, all keys are here.
ALTER TABLE ordertrail.ledgers ADD COLUMN imported bigint NOT NULL DEFAULT 0;

-- The SHA-256 of a wrapped key that was needed and could not be read, since its row had been changed. While it is that of
-- the key that is there, the key is damaged: one that was restored or destroyed is not counted. It is no copy of the key,
-- which may be another subject's, and must be gone when that one is destroyed.
ALTER TABLE ordertrail.subject_keys ADD COLUMN unreadable bytea;
CREATE INDEX unreadable_keys ON ordertrail.subject_keys (tenant, subject) WHERE unreadable IS NOT NULL;

-- Notes keys that could not be read, and does nothing else. One that was restored meanwhile has another digest and is not
-- noted. Pages that were rendered with a key are not shown any more beside those that are rendered without it.
CREATE FUNCTION ordertrail.note_unreadable_keys(in_tenant text, in_subjects text[], in_digests bytea[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    WITH noted AS (
        UPDATE ordertrail.subject_keys AS k SET unreadable = n.digest
        FROM unnest(in_subjects, in_digests) AS n (subject, digest)
        WHERE k.tenant = in_tenant AND k.subject = n.subject AND sha256(k.wrapped) = n.digest
          AND k.unreadable IS DISTINCT FROM n.digest
        RETURNING k.tenant
    )
    INSERT INTO ordertrail.editions AS e (tenant, number)
    SELECT DISTINCT tenant, 1 FROM noted
    ON CONFLICT (tenant) DO UPDATE SET number = e.number + 1
$function$;
