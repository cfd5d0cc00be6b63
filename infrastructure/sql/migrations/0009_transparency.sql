-- The transparency log: each ledger is a Merkle tree (RFC 6962), and its roots are signed (C2SP tlog-checkpoint).

-- The hash of an event's leaf. docs/audit.md describes the form of a leaf, and application/transparency/leaf.py makes
-- the same bytes. It is not STRICT: then it would not be inlined, and would take three times as long.
CREATE FUNCTION ordertrail.leaf_hash(event ordertrail.events) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(
    '\x00'::bytea
    || convert_to(
        format(
            E'ordertrail event v1\n%s %s %s %s %s %s\n%s\n%s\n%s\n%s\n%s\n%s\n',
            octet_length((event).tenant), octet_length((event).stream), octet_length((event).event_id),
            octet_length((event).type), octet_length((event).data), octet_length((event).metadata),
            (event).tenant, (event).position, (event).stream, (event).version, (event).event_id, (event).type
        ),
        'UTF8'
    )
    || timestamptz_send((event).occurred_at) || timestamptz_send((event).recorded_at)
    || (event).data || (event).metadata
);

-- How far each ledger's tree is built, and the error if it cannot grow. The holder of the row's lock builds.
CREATE TABLE ordertrail.trees (
    tenant text COLLATE "C" NOT NULL,
    size bigint NOT NULL DEFAULT 0,
    error text,
    CONSTRAINT a_ledger_has_one_tree PRIMARY KEY (tenant)
) WITH (fillfactor = 50);

-- The trees' hashes, in the shape of C2SP tlog-tiles: a tile of level n holds up to 256 hashes of 32 bytes, each the root
-- of 256^n leaves. Only the last tile of a level grows.
CREATE TABLE ordertrail.tiles (
    tenant text COLLATE "C" NOT NULL,
    level smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    CONSTRAINT a_tile_is_kept_once PRIMARY KEY (tenant, level, number)
);

-- Signed checkpoints, as they were handed out. They never change.
CREATE TABLE ordertrail.tree_heads (
    tenant text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_size_is_signed_once PRIMARY KEY (tenant, size)
);

-- The installation's keys. All that are not retired sign. They belong to no tenant. The private halves are encrypted
-- with the installation's key, and so are longer than the 32 bytes of a plain key.
CREATE TABLE ordertrail.signing_keys (
    public_key bytea NOT NULL,
    private_key bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired_at timestamptz,
    CONSTRAINT a_signing_key_is_kept_once PRIMARY KEY (public_key),
    CONSTRAINT a_retired_key_signs_no_more CHECK ((retired_at IS NULL) = (private_key IS NOT NULL)),
    CONSTRAINT a_private_key_is_encrypted CHECK (octet_length(private_key) > 32)
);
