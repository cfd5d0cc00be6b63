-- Records keys that could not be read, and does nothing else. A key that was restored meanwhile has another digest and
-- is not recorded. Pages that were rendered with a key are not shown any more beside pages without it.
CREATE FUNCTION ordertrail.note_unreadable_keys(in_tenant text, in_subjects text[], in_digests bytea[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    UPDATE ordertrail.subject_keys AS k SET unreadable = n.digest
    FROM unnest(in_subjects, in_digests) AS n (subject, digest)
    WHERE k.tenant = in_tenant AND k.subject = n.subject AND sha256(k.wrapped) = n.digest
      AND k.unreadable IS DISTINCT FROM n.digest;
    IF FOUND THEN
        INSERT INTO ordertrail.editions AS e (tenant, number) VALUES (in_tenant, 1)
        ON CONFLICT (tenant) DO UPDATE SET number = e.number + 1;
    END IF;
END
$function$;
