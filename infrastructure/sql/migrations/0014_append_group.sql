-- A group of appends at once: the common case of ordertrail.append, which describes appends and their outcomes. In this
-- case nothing was seen before, and every stream is as expected. Then no append depends on the one before, and a group
-- needs one statement per table. All other groups are passed to ordertrail.append, which decides one append after the
-- other.
--
-- The answer is one row for each append, as ordertrail.append returns it. If all were appended, it may be one row for
-- all: first_position and last_position of the group, and the versions of all its writes.
--
--   in_keys, in_fingerprints     one per append, NULL for none; in_keys as a whole is NULL if no append has a key
--   in_write_append, in_write_stream, in_write_expected, in_write_size
--                                one per write, ordered by append: its append, counted from 1, its stream, the
--                                condition on the stream, and the number of its events
--   in_write_behind, in_write_offset
--                                the number of the group's events before it, in its stream and in all
--   in_event_write, in_event_stream, in_event_ids, in_types, in_data, in_metadata, in_occurred_at
--                                one per event, ordered by write. The stream repeats its write's, because a look-up in
--                                an array of texts has to count through it.
--   in_latest                    the latest time that the database's clock may show (ordertrail.hold_ledger)
CREATE FUNCTION ordertrail.append_group(
    in_tenant text,
    in_keys text[],
    in_fingerprints bytea[],
    in_write_append int[],
    in_write_stream text[],
    in_write_expected bigint[],
    in_write_size int[],
    in_write_behind int[],
    in_write_offset int[],
    in_event_write int[],
    in_event_stream text[],
    in_event_ids text[],
    in_types text[],
    in_data bytea[],
    in_metadata bytea[],
    in_occurred_at timestamptz[],
    in_latest timestamptz DEFAULT 'infinity'
) RETURNS TABLE (
    outcome text, first_position bigint, last_position bigint, versions bigint[], recorded_at timestamptz, refused int
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
    n_events CONSTANT int := cardinality(in_event_ids);
    ledger_position bigint;
    moment timestamptz;
    is_as_expected boolean;
    -- the version of each write's first event
    first_versions bigint[];
BEGIN
    SELECT h.out_position, h.out_moment INTO ledger_position, moment
    FROM ordertrail.hold_ledger(in_tenant, in_latest) AS h;

    -- A subquery with a LIMIT stays an index probe, whatever the planner assumes about the table's size. A stream that
    -- begins at version 0 (code -1) counts differently, and is left to ordertrail.append.
    SELECT array_agg(coalesce(w.head, 0) + w.behind + 1),
           bool_and(w.expected <> -1 AND ordertrail.refusal_of(
               CASE WHEN w.behind = 0 THEN w.head ELSE coalesce(w.head, 0) + w.behind END, w.expected
           ) IS NULL)
    INTO first_versions, is_as_expected
    FROM (
        SELECT i.expected, i.behind, (
            SELECT e.version FROM ordertrail.events AS e
            WHERE e.tenant = in_tenant AND e.stream = i.stream ORDER BY e.version DESC LIMIT 1
        ) AS head
        FROM (
            SELECT unnest(in_write_stream) AS stream, unnest(in_write_expected) AS expected,
                   unnest(in_write_behind) AS behind
        ) AS i
        OFFSET 0  -- or the probe would be made once for each mention of its result
    ) AS w;

    IF is_as_expected THEN
        BEGIN
            IF in_keys IS NOT NULL THEN
                INSERT INTO ordertrail.requests
                    (tenant, idempotency_key, fingerprint, first_position, last_position, recorded_at)
                SELECT in_tenant, in_keys[w.append], in_fingerprints[w.append], ledger_position + min(w.before) + 1,
                       ledger_position + max(w.before + w.size), moment
                FROM unnest(in_write_append, in_write_offset, in_write_size) AS w (append, before, size)
                GROUP BY w.append HAVING in_keys[w.append] IS NOT NULL;
            END IF;
            INSERT INTO ordertrail.events
                (tenant, position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at)
            SELECT in_tenant, ledger_position + e.n, e.stream,
                   first_versions[e.write] + e.n - in_write_offset[e.write] - 1,
                   e.event_id, e.type, e.data, e.metadata, coalesce(e.occurred_at, moment), moment
            FROM (
                -- In the SELECT list unnest returns its elements one by one; in FROM each array is stored first.
                SELECT generate_series(1, n_events) AS n, unnest(in_event_write) AS write,
                       unnest(in_event_stream) AS stream, unnest(in_event_ids) AS event_id, unnest(in_types) AS type,
                       unnest(in_data) AS data, unnest(in_metadata) AS metadata, unnest(in_occurred_at) AS occurred_at
            ) AS e;
            UPDATE ordertrail.ledgers AS l SET position = ledger_position + n_events, recorded_at = moment
            WHERE l.tenant = in_tenant;
            -- A hint to readers, who also poll. There is one per call, because NOTIFY serialises commits.
            PERFORM pg_notify('ordertrail', in_tenant);
            RETURN QUERY SELECT 'appended', ledger_position + 1, ledger_position + n_events, first_versions, moment,
                         NULL::int;
            RETURN;
        EXCEPTION
            -- A key or an event id was seen before, as the unique indexes report. Nearly all are new, so none is looked
            -- up before it is inserted.
            WHEN unique_violation THEN
                NULL;
        END;
    END IF;

    RETURN QUERY
    WITH writes AS (
        SELECT n, stream, dense_rank() OVER (ORDER BY stream) AS number
        FROM unnest(in_write_stream) WITH ORDINALITY AS w (stream, n)
    )
    SELECT a.*
    FROM ordertrail.append(
        in_tenant,
        coalesce(in_keys, array_fill(NULL::text, ARRAY[cardinality(in_fingerprints)])),
        in_fingerprints,
        (SELECT array_agg(s.stream ORDER BY s.number) FROM (SELECT DISTINCT stream, number FROM writes) AS s),
        in_write_append,
        (SELECT array_agg(w.number::int ORDER BY w.n) FROM writes AS w),
        in_write_expected, in_write_size,
        in_event_write, in_event_ids, in_types, in_data, in_metadata, in_occurred_at
    ) AS a;
END
$function$;
