-- The keys that encrypt personal data in events.

-- A subject is the order, the integration or the person that personal data is about. It has the name of its stream. Its
-- key is encrypted with the installation's. A destroyed key leaves its row, so that its subject never gets another.
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

-- Destroys a subject's key, and does nothing else: a role with this right cannot put another key in its place. A
-- subject without a key gets a row too, because it must not get a key later. Pages that were rendered with the key are
-- not shown again.
CREATE FUNCTION ordertrail.destroy_subject_key(in_tenant text, in_subject text, in_by text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- An erasure is durable, whatever the caller's session has set.
    IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    WITH destroyed AS (
        INSERT INTO ordertrail.subject_keys AS k (tenant, subject, destroyed_at, destroyed_by)
        VALUES (in_tenant, in_subject, now(), in_by)
        ON CONFLICT (tenant, subject) DO UPDATE
        SET wrapped = NULL, destroyed_at = excluded.destroyed_at, destroyed_by = excluded.destroyed_by
        WHERE k.wrapped IS NOT NULL
        RETURNING tenant
    )
    INSERT INTO ordertrail.editions AS e (tenant, number)
    SELECT tenant, 1 FROM destroyed
    ON CONFLICT (tenant) DO UPDATE SET number = e.number + 1;
END
$function$;
