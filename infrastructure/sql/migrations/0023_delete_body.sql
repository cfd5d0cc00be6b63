-- Deletes a content whose subject was forgotten. With in_before, it deletes a content that has expired and was stored
-- at or before that time. Nobody can delete anything else with it.
CREATE FUNCTION ordertrail.delete_body(in_tenant text, in_digest bytea, in_before timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    DELETE FROM ordertrail.bodies AS c
    WHERE c.tenant = in_tenant AND c.digest = in_digest
      AND CASE WHEN in_before IS NULL THEN EXISTS (
              SELECT FROM ordertrail.subject_keys AS k
              WHERE k.tenant = in_tenant AND k.subject = c.subject AND k.destroyed_at IS NOT NULL
          ) ELSE EXISTS (
              SELECT FROM ordertrail.retention AS r
              WHERE r.tenant = in_tenant AND r.keep IS NOT NULL AND c.recorded_at <= least(in_before, now() - r.keep)
          ) END
$function$;
