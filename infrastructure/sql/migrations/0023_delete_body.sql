-- Deletes a content whose subject was forgotten. With in_before, it deletes a content that has expired and was stored
-- at or before that time. Nobody can delete anything else with it.
CREATE FUNCTION ordertrail.delete_body(in_tenant text, in_digest bytea, in_before timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    body_subject text;
    body_recorded_at timestamptz;
    period interval;
BEGIN
    SELECT c.subject, c.recorded_at INTO body_subject, body_recorded_at
    FROM ordertrail.bodies AS c WHERE c.tenant = in_tenant AND c.digest = in_digest FOR UPDATE;
    IF in_before IS NULL THEN
        PERFORM FROM ordertrail.subject_keys AS k
        WHERE k.tenant = in_tenant AND k.subject = body_subject AND k.destroyed_at IS NOT NULL;
    ELSE
        SELECT r.keep INTO period FROM ordertrail.retention AS r WHERE r.tenant = in_tenant AND r.keep IS NOT NULL;
        IF body_recorded_at > least(in_before, now() - period) THEN
            RETURN;
        END IF;
    END IF;
    IF FOUND THEN
        DELETE FROM ordertrail.bodies AS c WHERE c.tenant = in_tenant AND c.digest = in_digest;
    END IF;
END
$function$;
