-- Ends a credential for good. The row stays, and says when.
CREATE FUNCTION ordertrail.revoke_credential(in_tenant text, in_key_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    UPDATE ordertrail.credentials AS c SET revoked_at = now()
    WHERE c.tenant = in_tenant AND c.key_id = in_key_id AND c.revoked_at IS NULL;
    RETURN CASE WHEN FOUND THEN true END;
END
$function$;
