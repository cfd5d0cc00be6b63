-- One event alone, without a key: the usual append while nobody else appends. It does what ordertrail.append_group
-- does, in a third of the time. If the event was recorded before, or its stream is not as expected, it stores nothing
-- and returns NULLs; ordertrail.append_group then finds the outcome.
CREATE FUNCTION ordertrail.append_alone(
    in_tenant text,
    in_stream text,
    in_expected bigint,
    in_event_id text,
    in_type text,
    in_data bytea,
    in_metadata bytea,
    in_occurred_at timestamptz,
    in_latest timestamptz DEFAULT 'infinity',
    OUT out_position bigint,
    OUT out_version bigint,
    OUT out_recorded_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
    next_position bigint;
    moment timestamptz;
    head bigint;
    next_version bigint;
BEGIN
    SELECT h.out_position + 1, h.out_moment INTO next_position, moment
    FROM ordertrail.hold_ledger(in_tenant, in_latest) AS h;

    SELECT e.version INTO head FROM ordertrail.events AS e
    WHERE e.tenant = in_tenant AND e.stream = in_stream ORDER BY e.version DESC LIMIT 1;
    -- A stream that begins at version 0 (code -1) counts differently, and is left to ordertrail.append.
    IF in_expected = -1 OR ordertrail.refusal_of(head, in_expected) IS NOT NULL THEN
        RETURN;
    END IF;
    next_version := coalesce(head, 0) + 1;
    INSERT INTO ordertrail.events
        (tenant, position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at)
    VALUES (in_tenant, next_position, in_stream, next_version, in_event_id, in_type, in_data, in_metadata,
            coalesce(in_occurred_at, moment), moment)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    UPDATE ordertrail.ledgers AS l SET position = next_position, recorded_at = moment WHERE l.tenant = in_tenant;
    -- A hint to readers, who also poll.
    PERFORM pg_notify('ordertrail', in_tenant);
    out_position := next_position;
    out_version := next_version;
    out_recorded_at := moment;
END
$function$;
