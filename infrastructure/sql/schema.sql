-- The schema as all migrations make it. Generated: change it by a migration, then run make schema.

CREATE SCHEMA ordertrail;

CREATE FUNCTION ordertrail.append(in_tenant text, in_keys text[], in_fingerprints bytea[], in_streams text[], in_write_append integer[], in_write_stream integer[], in_write_expected bigint[], in_write_size integer[], in_event_write integer[], in_event_ids text[], in_types text[], in_data bytea[], in_metadata bytea[], in_occurred_at timestamp with time zone[]) RETURNS TABLE(outcome text, first_position bigint, last_position bigint, versions bigint[], recorded_at timestamp with time zone, refused integer)
    LANGUAGE plpgsql
    AS $$
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
$$;

CREATE FUNCTION ordertrail.append_alone(in_tenant text, in_stream text, in_expected bigint, in_event_id text, in_type text, in_data bytea, in_metadata bytea, in_occurred_at timestamp with time zone, in_latest timestamp with time zone DEFAULT 'infinity'::timestamp with time zone, OUT out_position bigint, OUT out_version bigint, OUT out_recorded_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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
$$;

CREATE FUNCTION ordertrail.append_group(in_tenant text, in_keys text[], in_fingerprints bytea[], in_write_append integer[], in_write_stream text[], in_write_expected bigint[], in_write_size integer[], in_write_behind integer[], in_write_offset integer[], in_event_write integer[], in_event_stream text[], in_event_ids text[], in_types text[], in_data bytea[], in_metadata bytea[], in_occurred_at timestamp with time zone[], in_latest timestamp with time zone DEFAULT 'infinity'::timestamp with time zone) RETURNS TABLE(outcome text, first_position bigint, last_position bigint, versions bigint[], recorded_at timestamp with time zone, refused integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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
$$;

CREATE FUNCTION ordertrail.begin_append(in_latest timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
$$;

CREATE FUNCTION ordertrail.bind_request(in_tenant text, in_key text, in_fingerprint bytea, in_position bigint, in_recorded_at timestamp with time zone) RETURNS bytea
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    -- The answer is durable, whatever the caller's session has set.
    IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    INSERT INTO ordertrail.requests (tenant, idempotency_key, fingerprint, first_position, last_position, recorded_at)
    SELECT in_tenant, in_key, in_fingerprint, e.position, e.position, in_recorded_at
    FROM ordertrail.events AS e WHERE e.tenant = in_tenant AND e.position = in_position
    ON CONFLICT DO NOTHING;
    -- If another session has bound the key at this moment, it was waited for, and only a new statement sees its row.
    RETURN (
        SELECT r.fingerprint FROM ordertrail.requests AS r WHERE r.tenant = in_tenant AND r.idempotency_key = in_key
    );
END
$$;

CREATE FUNCTION ordertrail.create_ending_credential(in_tenant text, in_key_id text, in_secret_digest bytea, in_scopes text[], in_name text, in_expires_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM ordertrail.tenants AS t WHERE t.tenant = in_tenant;
    IF NOT FOUND OR in_expires_at <= now() OR in_expires_at > now() + interval '366 days' THEN
        RETURN NULL;
    END IF;
    INSERT INTO ordertrail.credentials AS c (tenant, key_id, secret_digest, scopes, name, expires_at)
    VALUES (in_tenant, in_key_id, in_secret_digest, in_scopes, in_name, in_expires_at);
    RETURN true;
END
$$;

CREATE FUNCTION ordertrail.delete_body(in_tenant text, in_digest bytea, in_before timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    body_subject text;
    body_recorded_at timestamptz;
    period interval;
BEGIN
    SELECT c.subject, c.recorded_at INTO body_subject, body_recorded_at
    FROM ordertrail.bodies AS c WHERE c.tenant = in_tenant AND c.digest = in_digest FOR UPDATE;
    IF in_before IS NULL THEN
        PERFORM FROM ordertrail.subject_keys AS k
        WHERE k.tenant = in_tenant AND k.subject = body_subject AND k.destroyed_at IS NOT NULL;
    ELSE
        SELECT r.keep INTO period FROM ordertrail.retention AS r WHERE r.tenant = in_tenant AND r.keep IS NOT NULL;
        IF body_recorded_at > least(in_before, now() - period) THEN
            RETURN;
        END IF;
    END IF;
    IF FOUND THEN
        DELETE FROM ordertrail.bodies AS c WHERE c.tenant = in_tenant AND c.digest = in_digest;
    END IF;
END
$$;

CREATE FUNCTION ordertrail.destroy_subject_key(in_tenant text, in_subject text, in_by text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    -- An erasure is durable, whatever the caller's session has set.
    IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    INSERT INTO ordertrail.subject_keys AS k (tenant, subject, destroyed_at, destroyed_by)
    VALUES (in_tenant, in_subject, now(), in_by)
    ON CONFLICT (tenant, subject) DO UPDATE
    SET wrapped = NULL, destroyed_at = excluded.destroyed_at, destroyed_by = excluded.destroyed_by
    WHERE k.wrapped IS NOT NULL;
    IF FOUND THEN
        INSERT INTO ordertrail.editions AS e (tenant, number) VALUES (in_tenant, 1)
        ON CONFLICT (tenant) DO UPDATE SET number = e.number + 1;
    END IF;
    -- What members of consumers said of the subject's events is not encrypted.
    UPDATE ordertrail.held_streams AS h SET reason = '[redacted]'
    WHERE h.tenant = in_tenant AND h.stream = in_subject AND h.reason NOT IN ('', '[redacted]');
END
$$;

CREATE FUNCTION ordertrail.expire_requests(in_tenant text, in_keep interval, in_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    deleted bigint;
BEGIN
    WITH due AS (
        SELECT r.idempotency_key FROM ordertrail.requests AS r
        WHERE r.tenant = in_tenant AND r.used_at < now() - greatest(in_keep, interval '1 hour')
        LIMIT in_limit
    )
    DELETE FROM ordertrail.requests AS r
    WHERE r.tenant = in_tenant AND r.idempotency_key = ANY (ARRAY(SELECT d.idempotency_key FROM due AS d));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

CREATE FUNCTION ordertrail.hold_ledger(in_tenant text, in_latest timestamp with time zone, OUT out_position bigint, OUT out_moment timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM ordertrail.begin_append(in_latest);
    -- The holder of this row writes next. So position order is commit order, and readers need no gap detection.
    SELECT l.position, greatest(clock_timestamp(), l.recorded_at) INTO out_position, out_moment
    FROM ordertrail.ledgers AS l WHERE l.tenant = in_tenant FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no tenant "%"', in_tenant USING ERRCODE = 'no_data_found';
    END IF;
END
$$;

CREATE FUNCTION ordertrail.leaf_hash(in_tenant text, in_position bigint, in_stream text, in_version bigint, in_event_id text, in_type text, in_data bytea, in_metadata bytea, in_occurred_at timestamp with time zone, in_recorded_at timestamp with time zone) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(((((('\x00'::bytea || convert_to(format('ordertrail event v1
%s %s %s %s %s %s
%s
%s
%s
%s
%s
%s
'::text, octet_length(in_tenant), octet_length(in_stream), octet_length(in_event_id), octet_length(in_type), octet_length(in_data), octet_length(in_metadata), in_tenant, in_position, in_stream, in_version, in_event_id, in_type), 'UTF8'::name)) || timestamptz_send(in_occurred_at)) || timestamptz_send(in_recorded_at)) || in_data) || in_metadata));

CREATE FUNCTION ordertrail.node_of(in_tenant text) RETURNS text
    LANGUAGE sql STABLE
    RETURN ''::text;

CREATE FUNCTION ordertrail.note_unreadable_keys(in_tenant text, in_subjects text[], in_digests bytea[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION ordertrail.partition_of(in_stream text) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT get_byte(sha256(convert_to(in_stream, 'UTF8')), 0) % 16
$$;

CREATE FUNCTION ordertrail.refusal_of(in_head bigint, in_expected bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (in_expected = '-2'::integer) THEN NULL::text WHEN (in_expected = '-3'::integer) THEN CASE WHEN (in_head IS NULL) THEN 'stream_missing'::text ELSE NULL::text END WHEN (in_expected = ANY (ARRAY[('-1'::integer)::bigint, ('-4'::integer)::bigint])) THEN CASE WHEN (in_head IS NOT NULL) THEN 'version_conflict'::text ELSE NULL::text END WHEN (COALESCE(in_head, (0)::bigint) <> in_expected) THEN 'version_conflict'::text ELSE NULL::text END;

CREATE FUNCTION ordertrail.revoke_credential(in_tenant text, in_key_id text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE ordertrail.credentials AS c SET revoked_at = now()
    WHERE c.tenant = in_tenant AND c.key_id = in_key_id AND c.revoked_at IS NULL;
    RETURN CASE WHEN FOUND THEN true END;
END
$$;

CREATE TABLE ordertrail._yoyo_log (
    id character varying(36) NOT NULL,
    migration_hash character varying(64),
    migration_id character varying(255),
    operation character varying(10),
    username character varying(255),
    hostname character varying(255),
    comment character varying(255),
    created_at_utc timestamp without time zone
);

CREATE TABLE ordertrail._yoyo_migration (
    migration_hash character varying(64) NOT NULL,
    migration_id character varying(255),
    applied_at_utc timestamp without time zone
);

CREATE TABLE ordertrail._yoyo_version (
    version integer NOT NULL,
    installed_at_utc timestamp without time zone
);

CREATE TABLE ordertrail.action_log (
    tenant text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    schema_version bigint NOT NULL,
    data json NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    actor_type text NOT NULL,
    application_id text,
    sealed_in text COLLATE pg_catalog."C"
);

CREATE TABLE ordertrail.bodies (
    tenant text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    subject text NOT NULL COLLATE pg_catalog."C",
    body bytea NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE ordertrail.checkpoints (
    tenant text NOT NULL COLLATE pg_catalog."C",
    projection text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    error text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    must_be_rebuilt boolean DEFAULT false NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE ordertrail.consumer_members (
    tenant text NOT NULL COLLATE pg_catalog."C",
    consumer text NOT NULL COLLATE pg_catalog."C",
    member text NOT NULL COLLATE pg_catalog."C",
    joined_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE ordertrail.consumer_partitions (
    tenant text NOT NULL COLLATE pg_catalog."C",
    consumer text NOT NULL COLLATE pg_catalog."C",
    partition integer NOT NULL,
    member text COLLATE pg_catalog."C",
    token bigint DEFAULT 0 NOT NULL,
    "position" bigint NOT NULL,
    previous bigint,
    read_to bigint NOT NULL,
    read_last bigint NOT NULL,
    read_previous bigint,
    CONSTRAINT what_is_acknowledged_was_looked_through CHECK (("position" <= read_to))
)
WITH (fillfactor='50');

CREATE TABLE ordertrail.consumers (
    tenant text NOT NULL COLLATE pg_catalog."C",
    consumer text NOT NULL COLLATE pg_catalog."C",
    types text[] NOT NULL,
    orders text[] NOT NULL,
    services text[] NOT NULL,
    integrations bigint[] NOT NULL,
    max_failures integer NOT NULL,
    lease interval NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE ordertrail.credentials (
    tenant text NOT NULL COLLATE pg_catalog."C",
    key_id text NOT NULL COLLATE pg_catalog."C",
    secret_digest bytea NOT NULL,
    scopes text[] NOT NULL,
    name text NOT NULL,
    performer_id text,
    performer_name text,
    performer_type text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    rotated_at timestamp with time zone,
    earlier_digest bytea,
    earlier_until timestamp with time zone,
    CONSTRAINT a_performer_is_described_in_full CHECK ((num_nulls(performer_id, performer_name, performer_type) = ANY (ARRAY[0, 3]))),
    CONSTRAINT an_earlier_secret_has_an_end CHECK ((num_nulls(earlier_digest, earlier_until) = ANY (ARRAY[0, 2]))),
    CONSTRAINT an_earlier_secret_was_replaced CHECK (((earlier_digest IS NULL) OR (rotated_at IS NOT NULL)))
);
ALTER TABLE ONLY ordertrail.credentials ALTER COLUMN name SET STATISTICS 0;
ALTER TABLE ONLY ordertrail.credentials ALTER COLUMN performer_name SET STATISTICS 0;

CREATE TABLE ordertrail.deleted_tenants (
    tenant text NOT NULL COLLATE pg_catalog."C",
    deleted_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_by text NOT NULL,
    events bigint NOT NULL,
    checkpoint text
);

CREATE TABLE ordertrail.editions (
    tenant text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL
);

CREATE TABLE ordertrail.events (
    tenant text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    data bytea NOT NULL,
    metadata bytea NOT NULL
);

CREATE TABLE ordertrail.held_streams (
    tenant text NOT NULL COLLATE pg_catalog."C",
    consumer text NOT NULL COLLATE pg_catalog."C",
    stream text NOT NULL COLLATE pg_catalog."C",
    partition integer NOT NULL,
    "position" bigint NOT NULL,
    read_to bigint NOT NULL,
    failed bigint,
    failures integer NOT NULL,
    reason text NOT NULL,
    held_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    retry_at timestamp with time zone NOT NULL,
    parked_at timestamp with time zone
)
WITH (fillfactor='50');

CREATE TABLE ordertrail.installation (
    name text NOT NULL COLLATE pg_catalog."C",
    value bytea NOT NULL
);

CREATE TABLE ordertrail.integration_log (
    tenant text NOT NULL COLLATE pg_catalog."C",
    integration_id bigint NOT NULL,
    "position" bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    exception_type text,
    response_code bigint
);

CREATE TABLE ordertrail.integrations (
    tenant text NOT NULL COLLATE pg_catalog."C",
    integration_id bigint NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    shop_name text,
    shop_url text,
    details json NOT NULL,
    started_failing_at timestamp with time zone
)
WITH (fillfactor='80');

CREATE TABLE ordertrail.ledgers (
    tenant text NOT NULL COLLATE pg_catalog."C",
    "position" bigint DEFAULT 0 NOT NULL,
    recorded_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    imported bigint DEFAULT 0 NOT NULL,
    active_at timestamp with time zone GENERATED ALWAYS AS (date_bin('00:00:10'::interval, recorded_at, '1970-01-01 00:00:00+00'::timestamp with time zone)) STORED NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE ordertrail.order_state (
    tenant text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    first_position bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    reference text COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    status text COLLATE pg_catalog."C",
    payment_status text COLLATE pg_catalog."C",
    delivery_status text COLLATE pg_catalog."C",
    search text NOT NULL,
    detail json NOT NULL,
    customer_from text COLLATE pg_catalog."C"
)
WITH (fillfactor='80');
ALTER TABLE ONLY ordertrail.order_state ALTER COLUMN search SET STATISTICS 0;

CREATE TABLE ordertrail.refused_lines (
    tenant text NOT NULL COLLATE pg_catalog."C",
    load_id text NOT NULL COLLATE pg_catalog."C",
    line bigint NOT NULL,
    refusal text NOT NULL,
    refused_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE ordertrail.requests (
    tenant text NOT NULL COLLATE pg_catalog."C",
    idempotency_key text NOT NULL COLLATE pg_catalog."C",
    fingerprint bytea NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE ordertrail.retention (
    tenant text NOT NULL COLLATE pg_catalog."C",
    keep interval,
    expired bigint DEFAULT 0 NOT NULL,
    CONSTRAINT a_period_is_not_negative CHECK ((keep >= '00:00:00'::interval))
);

CREATE TABLE ordertrail.service_events (
    tenant text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    service text NOT NULL,
    service_status text NOT NULL,
    description text,
    metadata json,
    created_by text NOT NULL,
    version bigint NOT NULL,
    sealed_in text COLLATE pg_catalog."C"
);

CREATE TABLE ordertrail.signing_keys (
    public_key bytea NOT NULL,
    private_key bytea,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT a_private_key_is_encrypted CHECK ((octet_length(private_key) > 32)),
    CONSTRAINT a_retired_key_signs_no_more CHECK (((retired_at IS NULL) = (private_key IS NOT NULL)))
);

CREATE TABLE ordertrail.snapshots (
    tenant text NOT NULL COLLATE pg_catalog."C",
    stream text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    data bytea NOT NULL
);

CREATE TABLE ordertrail.spent_tokens (
    tenant text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    spent_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE ordertrail.subject_keys (
    tenant text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    wrapped bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    destroyed_at timestamp with time zone,
    destroyed_by text,
    unreadable bytea,
    CONSTRAINT a_key_is_there_or_was_destroyed_by_somebody CHECK (((num_nulls(wrapped, destroyed_at) = 1) AND ((destroyed_at IS NULL) = (destroyed_by IS NULL))))
);

CREATE TABLE ordertrail.system_log (
    tenant text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    correlation_id text COLLATE pg_catalog."C",
    carrier_id text COLLATE pg_catalog."C",
    direction text COLLATE pg_catalog."C",
    request_type text COLLATE pg_catalog."C",
    response_code bigint,
    milliseconds bigint,
    content_digest text COLLATE pg_catalog."C"
);

CREATE TABLE ordertrail.tenants (
    tenant text NOT NULL COLLATE pg_catalog."C",
    implicit boolean DEFAULT false NOT NULL,
    dintero_account text COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE ordertrail.tiles (
    tenant text NOT NULL COLLATE pg_catalog."C",
    level smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL
);

CREATE TABLE ordertrail.timeline (
    tenant text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    occurred_at timestamp with time zone NOT NULL,
    correlation_id text COLLATE pg_catalog."C",
    integration_id bigint
);

CREATE TABLE ordertrail.tree_heads (
    tenant text NOT NULL COLLATE pg_catalog."C",
    size bigint NOT NULL,
    note text NOT NULL,
    sealed_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE ordertrail.trees (
    tenant text NOT NULL COLLATE pg_catalog."C",
    size bigint DEFAULT 0 NOT NULL,
    error text
)
WITH (fillfactor='50');

CREATE TABLE ordertrail.webhook_attempts (
    tenant text NOT NULL COLLATE pg_catalog."C",
    webhook text NOT NULL COLLATE pg_catalog."C",
    attempt text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    message_id text NOT NULL,
    stream text NOT NULL,
    "position" bigint,
    number integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seconds double precision NOT NULL,
    status integer,
    error text,
    detail bytea
);

CREATE TABLE ordertrail.webhooks (
    tenant text NOT NULL COLLATE pg_catalog."C",
    webhook text NOT NULL COLLATE pg_catalog."C",
    url text NOT NULL,
    description text NOT NULL,
    with_data boolean NOT NULL,
    secret bytea NOT NULL,
    earlier_secret bytea,
    earlier_until timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    next_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    succeeded_at timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT what_is_disabled_has_a_reason CHECK (((disabled_at IS NULL) = (disabled_reason IS NULL)))
)
WITH (fillfactor='70');

ALTER TABLE ONLY ordertrail._yoyo_log
    ADD CONSTRAINT _yoyo_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY ordertrail._yoyo_migration
    ADD CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (migration_hash);

ALTER TABLE ONLY ordertrail._yoyo_version
    ADD CONSTRAINT _yoyo_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY ordertrail.bodies
    ADD CONSTRAINT a_body_is_stored_once PRIMARY KEY (tenant, digest);

ALTER TABLE ONLY ordertrail.system_log
    ADD CONSTRAINT a_call_is_logged_once PRIMARY KEY (tenant, order_id, "position");

ALTER TABLE ONLY ordertrail.consumer_partitions
    ADD CONSTRAINT a_consumer_has_each_partition_once PRIMARY KEY (tenant, consumer, partition);

ALTER TABLE ONLY ordertrail.held_streams
    ADD CONSTRAINT a_consumer_holds_a_stream_once PRIMARY KEY (tenant, consumer, stream);

ALTER TABLE ONLY ordertrail.trees
    ADD CONSTRAINT a_ledger_has_one_tree PRIMARY KEY (tenant);

ALTER TABLE ONLY ordertrail.refused_lines
    ADD CONSTRAINT a_line_of_a_load_is_refused_once PRIMARY KEY (tenant, load_id, line);

ALTER TABLE ONLY ordertrail.consumer_members
    ADD CONSTRAINT a_member_joins_a_consumer_once PRIMARY KEY (tenant, consumer, member);

ALTER TABLE ONLY ordertrail.events
    ADD CONSTRAINT a_position_holds_one_event PRIMARY KEY (tenant, "position");

ALTER TABLE ONLY ordertrail.checkpoints
    ADD CONSTRAINT a_projection_has_one_checkpoint PRIMARY KEY (tenant, projection);

ALTER TABLE ONLY ordertrail.service_events
    ADD CONSTRAINT a_service_event_is_listed_once PRIMARY KEY (tenant, order_id, "position");

ALTER TABLE ONLY ordertrail.signing_keys
    ADD CONSTRAINT a_signing_key_is_kept_once PRIMARY KEY (public_key);

ALTER TABLE ONLY ordertrail.tree_heads
    ADD CONSTRAINT a_size_is_signed_once PRIMARY KEY (tenant, size);

ALTER TABLE ONLY ordertrail.snapshots
    ADD CONSTRAINT a_snapshot_is_taken_once PRIMARY KEY (tenant, stream, version);

ALTER TABLE ONLY ordertrail.events
    ADD CONSTRAINT a_stream_version_is_written_once UNIQUE (tenant, stream, version);

ALTER TABLE ONLY ordertrail.subject_keys
    ADD CONSTRAINT a_subject_has_one_key PRIMARY KEY (tenant, subject);

ALTER TABLE ONLY ordertrail.editions
    ADD CONSTRAINT a_tenant_has_one_edition PRIMARY KEY (tenant);

ALTER TABLE ONLY ordertrail.ledgers
    ADD CONSTRAINT a_tenant_has_one_ledger PRIMARY KEY (tenant);

ALTER TABLE ONLY ordertrail.tenants
    ADD CONSTRAINT a_tenant_is_created_once PRIMARY KEY (tenant);

ALTER TABLE ONLY ordertrail.deleted_tenants
    ADD CONSTRAINT a_tenant_is_deleted_once PRIMARY KEY (tenant);

ALTER TABLE ONLY ordertrail.retention
    ADD CONSTRAINT a_tenant_keeps_bodies_for_one_period PRIMARY KEY (tenant);

ALTER TABLE ONLY ordertrail.consumers
    ADD CONSTRAINT a_tenants_consumer_is_named_once PRIMARY KEY (tenant, consumer);

ALTER TABLE ONLY ordertrail.credentials
    ADD CONSTRAINT a_tenants_key_id_is_given_once PRIMARY KEY (tenant, key_id);

ALTER TABLE ONLY ordertrail.webhooks
    ADD CONSTRAINT a_tenants_webhook_is_made_once PRIMARY KEY (tenant, webhook);

ALTER TABLE ONLY ordertrail.tiles
    ADD CONSTRAINT a_tile_is_kept_once PRIMARY KEY (tenant, level, number);

ALTER TABLE ONLY ordertrail.spent_tokens
    ADD CONSTRAINT a_token_is_spent_once PRIMARY KEY (tenant, digest);

ALTER TABLE ONLY ordertrail.action_log
    ADD CONSTRAINT an_action_is_logged_once PRIMARY KEY (tenant, order_id, "position");

ALTER TABLE ONLY ordertrail.webhook_attempts
    ADD CONSTRAINT an_attempt_is_logged_once PRIMARY KEY (tenant, webhook, attempt);

ALTER TABLE ONLY ordertrail.events
    ADD CONSTRAINT an_event_id_is_recorded_once UNIQUE (tenant, event_id);

ALTER TABLE ONLY ordertrail.timeline
    ADD CONSTRAINT an_event_is_in_a_timeline_once PRIMARY KEY (tenant, order_id, "position");

ALTER TABLE ONLY ordertrail.integration_log
    ADD CONSTRAINT an_exception_is_logged_once PRIMARY KEY (tenant, integration_id, "position") INCLUDE (occurred_at);

ALTER TABLE ONLY ordertrail.requests
    ADD CONSTRAINT an_idempotency_key_is_used_once PRIMARY KEY (tenant, idempotency_key);

ALTER TABLE ONLY ordertrail.installation
    ADD CONSTRAINT an_installation_has_one_of_each PRIMARY KEY (name);

ALTER TABLE ONLY ordertrail.integrations
    ADD CONSTRAINT an_integration_is_described_once PRIMARY KEY (tenant, integration_id);

ALTER TABLE ONLY ordertrail.order_state
    ADD CONSTRAINT an_order_has_one_state PRIMARY KEY (tenant, order_id);

CREATE INDEX actions_by_time ON ordertrail.action_log USING btree (tenant, order_id, occurred_at, "position");

CREATE INDEX active_ledgers ON ordertrail.ledgers USING btree (active_at);

CREATE INDEX calls_by_carrier ON ordertrail.system_log USING btree (tenant, carrier_id, "position") WHERE (carrier_id IS NOT NULL);

CREATE INDEX calls_by_correlation ON ordertrail.system_log USING btree (tenant, correlation_id, "position") WHERE (correlation_id IS NOT NULL);

CREATE INDEX calls_by_response ON ordertrail.system_log USING btree (tenant, response_code, "position");

CREATE INDEX calls_newest_first ON ordertrail.system_log USING btree (tenant, "position");

CREATE INDEX credentials_by_key_id ON ordertrail.credentials USING btree (key_id);

CREATE INDEX credentials_by_performer ON ordertrail.credentials USING btree (tenant, performer_id);

CREATE INDEX destroyed_keys ON ordertrail.subject_keys USING btree (tenant, subject) WHERE (destroyed_at IS NOT NULL);

CREATE INDEX exceptions_of_all_integrations ON ordertrail.integration_log USING btree (tenant, "position") INCLUDE (occurred_at);

CREATE INDEX held_streams_parked ON ordertrail.held_streams USING btree (tenant, consumer, parked_at) WHERE (parked_at IS NOT NULL);

CREATE INDEX held_streams_to_retry ON ordertrail.held_streams USING btree (tenant, consumer, retry_at) WHERE (parked_at IS NULL);

CREATE INDEX old_requests ON ordertrail.requests USING brin (used_at) WITH (pages_per_range='16', autosummarize='on');

CREATE INDEX orders_by_reference ON ordertrail.order_state USING btree (tenant, reference, first_position DESC) WHERE (reference IS NOT NULL);

CREATE INDEX orders_newest_first ON ordertrail.order_state USING btree (tenant, first_position DESC);

CREATE INDEX orders_tied_to_integrations ON ordertrail.timeline USING btree (tenant, integration_id, order_id, "position" DESC) WHERE (integration_id IS NOT NULL);

CREATE INDEX refused_lines_by_age ON ordertrail.refused_lines USING btree (tenant, refused_at);

CREATE INDEX slow_calls ON ordertrail.system_log USING btree (tenant, milliseconds, "position") WHERE (milliseconds >= 250);

CREATE INDEX timelines_by_correlation ON ordertrail.timeline USING btree (tenant, order_id, correlation_id, "position") WHERE (correlation_id IS NOT NULL);

CREATE INDEX unreadable_keys ON ordertrail.subject_keys USING btree (tenant, subject) WHERE (unreadable IS NOT NULL);
