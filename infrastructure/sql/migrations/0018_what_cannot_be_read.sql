-- Data that cannot be read, and data that nobody can expect to read here.

-- Up to this position, a ledger came from another installation. The keys of its personal data stayed there. The keys of
-- all later events are here.
ALTER TABLE ordertrail.ledgers ADD COLUMN imported bigint NOT NULL DEFAULT 0;

-- The SHA-256 of a wrapped key that was needed and could not be read, because its row had been changed. As long as it
-- matches the present key, the key is damaged; a key that was restored or destroyed no longer matches. It is not a copy
-- of the key: the copy might be another subject's key, which must vanish when that key is destroyed.
ALTER TABLE ordertrail.subject_keys ADD COLUMN unreadable bytea;
CREATE INDEX unreadable_keys ON ordertrail.subject_keys (tenant, subject) WHERE unreadable IS NOT NULL;

-- Records keys that could not be read, and does nothing else. A key that was restored meanwhile has another digest and
-- is not recorded. Pages that were rendered with a key are not shown any more beside pages without it.
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
