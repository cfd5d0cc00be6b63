-- What the pages may do with credentials, by functions alone: the service's role has no right to write them.

-- A credential that the service makes has an end within a year, so whoever takes a server over gets nothing for good.
CREATE FUNCTION ordertrail.create_ending_credential(
    in_tenant text, in_key_id text, in_secret_digest bytea, in_scopes text[], in_name text, in_expires_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM FROM ordertrail.tenants AS t WHERE t.tenant = in_tenant;
    IF NOT FOUND OR in_expires_at <= now() OR in_expires_at > now() + interval '366 days' THEN
        RETURN NULL;
    END IF;
    INSERT INTO ordertrail.credentials AS c (tenant, key_id, secret_digest, scopes, name, expires_at)
    VALUES (in_tenant, in_key_id, in_secret_digest, in_scopes, in_name, in_expires_at);
    RETURN true;
END
$function$;
