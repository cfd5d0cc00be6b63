-- The hash of an event's leaf. docs/audit.md describes the form of a leaf, and application/transparency/leaf.py makes
-- the same bytes. It is not STRICT: then it would not be inlined, and would take three times as long.
CREATE FUNCTION ordertrail.leaf_hash(
    in_tenant text,
    in_position bigint,
    in_stream text,
    in_version bigint,
    in_event_id text,
    in_type text,
    in_data bytea,
    in_metadata bytea,
    in_occurred_at timestamptz,
    in_recorded_at timestamptz
) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(
    '\x00'::bytea
    || convert_to(
        format(
            E'ordertrail event v1\n%s %s %s %s %s %s\n%s\n%s\n%s\n%s\n%s\n%s\n',
            octet_length(in_tenant), octet_length(in_stream), octet_length(in_event_id),
            octet_length(in_type), octet_length(in_data), octet_length(in_metadata),
            in_tenant, in_position, in_stream, in_version, in_event_id, in_type
        ),
        'UTF8'
    )
    || timestamptz_send(in_occurred_at) || timestamptz_send(in_recorded_at)
    || in_data || in_metadata
);
