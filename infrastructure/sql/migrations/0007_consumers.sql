-- Consumers: who follows a ledger, how far they have come, and what they could not handle.
-- application/delivery/consumers.py says what is guaranteed, and why it holds.

-- The partition of a stream: the first byte of its name's SHA-256, modulo 16. It must never change: positions are kept
-- for each partition.
CREATE FUNCTION ordertrail.partition_of(in_stream text) RETURNS int
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT get_byte(sha256(convert_to(in_stream, 'UTF8')), 0) % 16
$function$;

-- A consumer and what it wants; an empty array does not restrict. A webhook's consumer is named webhook/ and its id,
-- which nobody can name a consumer.
CREATE TABLE ordertrail.consumers (
    tenant text COLLATE "C" NOT NULL,
    consumer text COLLATE "C" NOT NULL,
    types text[] NOT NULL,
    orders text[] NOT NULL,
    services text[] NOT NULL,
    integrations bigint[] NOT NULL,
    max_failures int NOT NULL,
    lease interval NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_tenants_consumer_is_named_once PRIMARY KEY (tenant, consumer)
);

-- The members of a consumer. What a member owns is its own until expires_at, by this database's clock.
CREATE TABLE ordertrail.consumer_members (
    tenant text COLLATE "C" NOT NULL,
    consumer text COLLATE "C" NOT NULL,
    member text COLLATE "C" NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT a_member_joins_a_consumer_once PRIMARY KEY (tenant, consumer, member)
) WITH (fillfactor = 50);

-- Each partition's owner and token, and how far it has come. The token grows with each owner.
--   position            everything wanted up to here is acknowledged, or its stream is held
--   previous            the newest wanted event up to position; NULL if nobody knows
--   read_to             how far it was looked through for its owner
--   read_last           the newest event up to read_to that was handed out
--   read_previous       the newest wanted event up to read_to, handed out or held
CREATE TABLE ordertrail.consumer_partitions (
    tenant text COLLATE "C" NOT NULL,
    consumer text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    member text COLLATE "C",
    token bigint NOT NULL DEFAULT 0,
    position bigint NOT NULL,
    previous bigint,
    read_to bigint NOT NULL,
    read_last bigint NOT NULL,
    read_previous bigint,
    CONSTRAINT a_consumer_has_each_partition_once PRIMARY KEY (tenant, consumer, partition),
    CONSTRAINT what_is_acknowledged_was_looked_through CHECK (position <= read_to)
) WITH (fillfactor = 50);

-- A stream with an event that was refused. Its events after position are delivered from here and not with its
-- partition, so that it waits alone. It is changed by whoever has locked the row of its partition.
--   read_to             the newest of its events that was handed out since it was refused last
--   failed, failures    the next event, if it was refused, and how often in a row
--   parked_at           since when it waits for somebody to decide
CREATE TABLE ordertrail.held_streams (
    tenant text COLLATE "C" NOT NULL,
    consumer text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    position bigint NOT NULL,
    read_to bigint NOT NULL,
    failed bigint,
    failures int NOT NULL,
    reason text NOT NULL,
    held_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retry_at timestamptz NOT NULL,
    parked_at timestamptz,
    CONSTRAINT a_consumer_holds_a_stream_once PRIMARY KEY (tenant, consumer, stream)
) WITH (fillfactor = 50);

-- What a member looks for: the held streams of its partitions whose time has come.
CREATE INDEX held_streams_to_retry ON ordertrail.held_streams (tenant, consumer, retry_at) WHERE parked_at IS NULL;
-- What people look for.
CREATE INDEX held_streams_parked ON ordertrail.held_streams (tenant, consumer, parked_at) WHERE parked_at IS NOT NULL;
