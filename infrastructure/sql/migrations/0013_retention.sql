-- For how long what was said in calls is kept.

-- A tenant without a row, or without a period, keeps it for ever. What was said in the calls that events up to expired
-- tell of is gone, or goes at any moment: events are in the order in which they were recorded, so one position says it.
CREATE TABLE ordertrail.retention (
    tenant text COLLATE "C" NOT NULL,
    keep interval,
    expired bigint NOT NULL DEFAULT 0,
    CONSTRAINT a_tenant_keeps_bodies_for_one_period PRIMARY KEY (tenant),
    CONSTRAINT a_period_is_not_negative CHECK (keep >= interval '0')
);

-- Deletes a content, if it is of a subject that was forgotten; or, if in_before is given, if it has expired and was put
-- no later than that. Nothing else can be deleted with it, whoever calls.
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
