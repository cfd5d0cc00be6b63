-- Begins an append: compares the clocks, and asks for a durable commit.
--
-- in_latest: the latest time that the database's clock may show, by the client's clock. If it shows a later one, OT001
-- is raised with it, in seconds since 1970.
CREATE FUNCTION ordertrail.begin_append(in_latest timestamptz) RETURNS void
LANGUAGE plpgsql
AS $function$
BEGIN
    -- Before anything else: a time that is too late would make all later times too late.
    IF statement_timestamp() > in_latest THEN
        RAISE EXCEPTION 'the clock of the database shows %, later than the % of whoever appends', statement_timestamp(),
            in_latest
        USING ERRCODE = 'OT001', DETAIL = extract(epoch FROM statement_timestamp())::text;
    END IF;

    -- Every answer is durable, whatever the caller's session has set.
    IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END
$function$;

-- Begins an append, takes the tenant's ledger, and returns its head and the time of what is written now.
CREATE FUNCTION ordertrail.hold_ledger(
    in_tenant text, in_latest timestamptz, OUT out_position bigint, OUT out_moment timestamptz
)
LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM ordertrail.begin_append(in_latest);
    -- The holder of this row writes next. So position order is commit order, and readers need no gap detection.
    SELECT l.position, greatest(clock_timestamp(), l.recorded_at) INTO out_position, out_moment
    FROM ordertrail.ledgers AS l WHERE l.tenant = in_tenant FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no tenant "%"', in_tenant USING ERRCODE = 'no_data_found';
    END IF;
END
$function$;
