-- The transparency log: each ledger is a Merkle tree (RFC 6962), and its roots are signed (C2SP tlog-checkpoint).

-- How far each ledger's tree is built, and the error if it cannot grow. The holder of the row's lock builds.
CREATE TABLE ordertrail.trees (
    tenant text COLLATE "C" NOT NULL,
    size bigint NOT NULL DEFAULT 0,
    error text,
    CONSTRAINT a_ledger_has_one_tree PRIMARY KEY (tenant)
) WITH (fillfactor = 50);

-- The trees' hashes, in the shape of C2SP tlog-tiles: a tile of level n holds up to 256 hashes of 32 bytes, each the
-- root of 256^n leaves. Only the last tile of a level grows.
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
