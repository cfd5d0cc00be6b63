-- Destroys a subject's key. A role with this right cannot put another key in its place. A subject without a key gets a
-- row too, because it must not get a key later. Pages that were rendered with the key are not shown again, and what was
-- said of the subject's events is not kept.
CREATE FUNCTION ordertrail.destroy_subject_key(in_tenant text, in_subject text, in_by text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- An erasure is durable, whatever the caller's session has set.
    IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    INSERT INTO ordertrail.subject_keys AS k (tenant, subject, destroyed_at, destroyed_by)
    VALUES (in_tenant, in_subject, now(), in_by)
    ON CONFLICT (tenant, subject) DO UPDATE
    SET wrapped = NULL, destroyed_at = excluded.destroyed_at, destroyed_by = excluded.destroyed_by
    WHERE k.wrapped IS NOT NULL;
    IF FOUND THEN
        INSERT INTO ordertrail.editions AS e (tenant, number) VALUES (in_tenant, 1)
        ON CONFLICT (tenant) DO UPDATE SET number = e.number + 1;
    END IF;
    -- What members of consumers said of the subject's events is not encrypted.
    UPDATE ordertrail.held_streams AS h SET reason = '[redacted]'
    WHERE h.tenant = in_tenant AND h.stream = in_subject AND h.reason NOT IN ('', '[redacted]');
END
$function$;
