-- Deletes Idempotency-Keys that were used longer ago than a period, the first that it finds, up to a limit; returns how
-- many. Nobody can delete a younger one with it: no period is shorter than an hour. The events stay, with their ids.
CREATE FUNCTION ordertrail.expire_requests(in_tenant text, in_keep interval, in_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    deleted bigint;
BEGIN
    WITH due AS (
        SELECT r.idempotency_key FROM ordertrail.requests AS r
        WHERE r.tenant = in_tenant AND r.used_at < now() - greatest(in_keep, interval '1 hour')
        LIMIT in_limit
    )
    DELETE FROM ordertrail.requests AS r
    WHERE r.tenant = in_tenant AND r.idempotency_key = ANY (ARRAY(SELECT d.idempotency_key FROM due AS d));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$function$;
