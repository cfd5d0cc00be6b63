-- One event alone, without a key: the usual append while nobody else appends. It does what ordertrail.append_group
-- does, in a third of the time. If the event was recorded before, or its stream is not as expected, it stores nothing
-- and returns NULLs; ordertrail.append_group then finds the outcome. The ledger's head is moved back then, and its time
-- of the last append is not, which no later time may be before.
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
    moment timestamptz := clock_timestamp();
    next_position bigint;
    head bigint;
BEGIN
    PERFORM ordertrail.begin_append(in_latest);
    -- This takes the ledger, as ordertrail.hold_ledger does, and moves its head at once: that saves a statement. If
    -- somebody else has it, what waits has the time from before the wait, or the time of what was written meanwhile.
    UPDATE ordertrail.ledgers AS l SET position = l.position + 1, recorded_at = greatest(moment, l.recorded_at)
    WHERE l.tenant = in_tenant RETURNING l.position, l.recorded_at INTO next_position, moment;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no tenant "%"', in_tenant USING ERRCODE = 'no_data_found';
    END IF;

    SELECT e.version INTO head FROM ordertrail.events AS e
    WHERE e.tenant = in_tenant AND e.stream = in_stream ORDER BY e.version DESC LIMIT 1;
    -- A stream that begins at version 0 (code -1) counts differently, and is left to ordertrail.append.
    IF in_expected <> -1 AND ordertrail.refusal_of(head, in_expected) IS NULL THEN
        INSERT INTO ordertrail.events
            (tenant, position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at)
        VALUES (in_tenant, next_position, in_stream, coalesce(head, 0) + 1, in_event_id, in_type, in_data, in_metadata,
                coalesce(in_occurred_at, moment), moment)
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            -- A hint to readers, who also poll.
            PERFORM pg_notify('ordertrail', in_tenant);
            out_position := next_position;
            out_version := coalesce(head, 0) + 1;
            out_recorded_at := moment;
            RETURN;
        END IF;
    END IF;
    UPDATE ordertrail.ledgers AS l SET position = next_position - 1 WHERE l.tenant = in_tenant;
END
$function$;
