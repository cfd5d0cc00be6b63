-- The append function: it takes many appends of one tenant, and returns one outcome for each, in one transaction.
--
-- An append is a set of writes; all of them happen, or none. A write adds events to the end of one stream if the stream
-- is as expected. Appends are decided in the given order, and each sees what those before it wrote. A refused append
-- does not affect the others. All the SQL of an append is here, behind its tenant.
--
--   in_keys, in_fingerprints     one per append; a NULL key means none. Keys are distinct within a call.
--   in_streams                   the distinct streams of the writes
--   in_write_append, in_write_stream, in_write_expected, in_write_size
--                                one per write, ordered by append: its append, its stream (both count from 1), the
--                                condition on the stream, and the number of its events
--   in_event_write, in_event_ids, in_types, in_data, in_metadata, in_occurred_at
--                                one per event, ordered by write. Event ids are distinct within a call; a NULL
--                                occurred_at means now.
--
-- The conditions are those of ordertrail.refusal_of.
--
-- outcome: appended · replayed · version_conflict · stream_missing · key_reused · event_id_reused.
--   appended            first_position and last_position of the append, versions of each write's first event
--   replayed            first_position, last_position and recorded_at of the first time: the key was seen before, or
--                       all the event ids were, with the same stream, type and data
--   version_conflict, stream_missing     versions are the present ones of the writes' streams, NULL where none, and
--                       refused is the first write that is not as expected; it counts from 1
CREATE FUNCTION ordertrail.append(
    in_tenant text,
    in_keys text[],
    in_fingerprints bytea[],
    in_streams text[],
    in_write_append int[],
    in_write_stream int[],
    in_write_expected bigint[],
    in_write_size int[],
    in_event_write int[],
    in_event_ids text[],
    in_types text[],
    in_data bytea[],
    in_metadata bytea[],
    in_occurred_at timestamptz[]
) RETURNS TABLE (
    outcome text, first_position bigint, last_position bigint, versions bigint[], recorded_at timestamptz, refused int
)
LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
DECLARE
    n_appends CONSTANT int := cardinality(in_keys);
    n_writes CONSTANT int := cardinality(in_write_append);
    -- one element per append
    outcomes text[] := array_fill(NULL::text, ARRAY[n_appends]);
    firsts bigint[] := array_fill(NULL::bigint, ARRAY[n_appends]);
    lasts bigint[] := array_fill(NULL::bigint, ARRAY[n_appends]);
    first_times timestamptz[] := array_fill(NULL::timestamptz, ARRAY[n_appends]);
    refused_writes int[] := array_fill(NULL::int, ARRAY[n_appends]);
    -- one element per write: the version it found or wrote first; the numbers that turn an event's ordinal into its
    -- position and its version, NULL if the append is not accepted
    shown_versions bigint[] := array_fill(NULL::bigint, ARRAY[n_writes]);
    to_position bigint[] := array_fill(NULL::bigint, ARRAY[n_writes]);
    to_version bigint[] := array_fill(NULL::bigint, ARRAY[n_writes]);
    -- one element per stream: its present version, which grows as appends are accepted
    heads bigint[];
    -- appends with an event id that the ledger already holds
    with_known_events int[];
    ledger_position bigint;
    next_position bigint;
    moment timestamptz;
    earlier record;
    verdict text;
    head bigint;
    first_write int;
    w int := 1;
    ordinal int := 1;
BEGIN
    SELECT h.out_position, h.out_moment INTO ledger_position, moment
    FROM ordertrail.hold_ledger(in_tenant, 'infinity') AS h;
    next_position := ledger_position + 1;

    -- A subquery with a LIMIT stays an index probe, whatever the planner assumes about the table's size.
    SELECT array_agg((
        SELECT e.version FROM ordertrail.events AS e
        WHERE e.tenant = in_tenant AND e.stream = s.stream ORDER BY e.version DESC LIMIT 1
    ) ORDER BY s.n) INTO heads
    FROM unnest(in_streams) WITH ORDINALITY AS s (stream, n);
    SELECT array_agg(in_write_append[i.write]) INTO with_known_events
    FROM unnest(in_event_write, in_event_ids) AS i (write, event_id)
    WHERE (SELECT true FROM ordertrail.events AS e WHERE e.tenant = in_tenant AND e.event_id = i.event_id LIMIT 1);

    FOR a IN 1 .. n_appends LOOP
        verdict := 'appended';
        first_write := w;
        WHILE in_write_append[w] = a LOOP
            shown_versions[w] := heads[in_write_stream[w]];
            IF verdict = 'appended' THEN
                verdict := coalesce(ordertrail.refusal_of(shown_versions[w], in_write_expected[w]), verdict);
                refused_writes[a] := CASE WHEN verdict <> 'appended' THEN w - first_write + 1 END;
            END IF;
            w := w + 1;
        END LOOP;

        -- An append that was seen before gets its first answer, whatever happened to its streams since.
        IF in_keys[a] IS NOT NULL THEN
            SELECT r.fingerprint, r.first_position, r.last_position, r.recorded_at INTO earlier
            FROM ordertrail.requests AS r WHERE r.tenant = in_tenant AND r.idempotency_key = in_keys[a];
            IF FOUND THEN
                verdict := CASE WHEN earlier.fingerprint = in_fingerprints[a] THEN 'replayed' ELSE 'key_reused' END;
            END IF;
        END IF;
        IF a = ANY (with_known_events) AND verdict NOT IN ('replayed', 'key_reused') THEN
            -- An event that the ledger does not hold compares as NULL, which bool_and alone would ignore.
            SELECT min(e.position) AS first_position, max(e.position) AS last_position,
                   min(e.recorded_at) AS recorded_at,
                   bool_and(coalesce(
                       (e.stream, e.type, e.data) = (in_streams[in_write_stream[i.write]], i.type, i.data), false
                   )) AND max(e.position) - min(e.position) + 1 = count(*) AS is_same INTO earlier
            FROM unnest(in_event_write, in_event_ids, in_types, in_data) AS i (write, event_id, type, data)
            LEFT JOIN ordertrail.events AS e ON e.tenant = in_tenant AND e.event_id = i.event_id
            WHERE in_write_append[i.write] = a;
            verdict := CASE WHEN earlier.is_same THEN 'replayed' ELSE 'event_id_reused' END;
        END IF;

        outcomes[a] := verdict;
        IF verdict = 'replayed' THEN
            firsts[a] := earlier.first_position;
            lasts[a] := earlier.last_position;
            first_times[a] := earlier.recorded_at;
        ELSIF verdict = 'appended' THEN
            firsts[a] := next_position;
        END IF;
        FOR i IN first_write .. w - 1 LOOP
            IF verdict = 'appended' THEN
                head := CASE in_write_expected[i] WHEN -1 THEN -1 ELSE coalesce(heads[in_write_stream[i]], 0) END;
                shown_versions[i] := head + 1;
                to_position[i] := next_position - ordinal;
                to_version[i] := head + 1 - ordinal;
                heads[in_write_stream[i]] := head + in_write_size[i];
                next_position := next_position + in_write_size[i];
                lasts[a] := next_position - 1;
            END IF;
            ordinal := ordinal + in_write_size[i];
        END LOOP;
    END LOOP;

    IF next_position > ledger_position + 1 THEN
        INSERT INTO ordertrail.events
            (tenant, position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at)
        SELECT in_tenant, to_position[e.write] + e.n, in_streams[in_write_stream[e.write]], to_version[e.write] + e.n,
               e.event_id, e.type, e.data, e.metadata, coalesce(e.occurred_at, moment), moment
        FROM unnest(in_event_write, in_event_ids, in_types, in_data, in_metadata, in_occurred_at)
             WITH ORDINALITY AS e (write, event_id, type, data, metadata, occurred_at, n)
        WHERE to_position[e.write] IS NOT NULL;
        -- The caller states the number of a write's events. A wrong number must not leave a gap.
        IF (
            SELECT (count(*), min(e.position), max(e.position)) <> (max(e.position) - ledger_position,
                   ledger_position + 1, next_position - 1)
            FROM ordertrail.events AS e WHERE e.tenant = in_tenant AND e.position > ledger_position
        ) IS NOT FALSE THEN
            RAISE EXCEPTION 'the writes of an append do not have as many events as they say'
            USING ERRCODE = 'data_exception';
        END IF;
        UPDATE ordertrail.ledgers AS l SET position = next_position - 1, recorded_at = moment
        WHERE l.tenant = in_tenant;
        -- A hint to readers, who also poll. There is one per call, because NOTIFY serialises commits.
        PERFORM pg_notify('ordertrail', in_tenant);
    END IF;
    -- A key that came with known events counts as used: another request with it is a conflict.
    INSERT INTO ordertrail.requests (tenant, idempotency_key, fingerprint, first_position, last_position, recorded_at)
    SELECT in_tenant, in_keys[a.n], in_fingerprints[a.n], firsts[a.n], lasts[a.n], coalesce(first_times[a.n], moment)
    FROM generate_series(1, n_appends) AS a (n)
    WHERE in_keys[a.n] IS NOT NULL AND outcomes[a.n] IN ('appended', 'replayed')
    ON CONFLICT DO NOTHING;

    RETURN QUERY
    SELECT outcomes[i.append], firsts[i.append], lasts[i.append], array_agg(i.version ORDER BY i.n),
           coalesce(first_times[i.append], moment), refused_writes[i.append]
    FROM unnest(in_write_append, shown_versions) WITH ORDINALITY AS i (append, version, n)
    GROUP BY i.append ORDER BY i.append;
END
$function$;
