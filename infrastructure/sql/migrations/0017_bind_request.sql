-- Binds the Idempotency-Key of a request whose events were all recorded before, in other words or by other requests, to
-- one of them. The key is then used: another request with it is a conflict. Returns the fingerprint of the request that
-- the key belongs to.
CREATE FUNCTION ordertrail.bind_request(
    in_tenant text, in_key text, in_fingerprint bytea, in_position bigint, in_recorded_at timestamptz
) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- The answer is durable, whatever the caller's session has set.
    IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    INSERT INTO ordertrail.requests (tenant, idempotency_key, fingerprint, first_position, last_position, recorded_at)
    SELECT in_tenant, in_key, in_fingerprint, e.position, e.position, in_recorded_at
    FROM ordertrail.events AS e WHERE e.tenant = in_tenant AND e.position = in_position
    ON CONFLICT DO NOTHING;
    -- If another session has bound the key at this moment, it was waited for, and only a new statement sees its row.
    RETURN (
        SELECT r.fingerprint FROM ordertrail.requests AS r WHERE r.tenant = in_tenant AND r.idempotency_key = in_key
    );
END
$function$;
