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

-- Destroys the key of a subject, and does nothing else to any: who may do this cannot put another in its place. Who has
-- no key is noted as well, as they must not get one later. What was rendered with the key is not shown again.
CREATE FUNCTION ordertrail.destroy_subject_key(in_tenant text, in_subject text, in_by text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- What is erased stays erased, whoever calls and whatever their session is set to.
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
