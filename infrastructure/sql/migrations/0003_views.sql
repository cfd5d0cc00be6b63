-- The views: projections derive them from the ledger, and can rebuild them at any time.

-- How far each projection has read the ledger. A stopped projection keeps its error, and the position before the event
-- that stopped it. A checkpoint beyond its ledger's head is wrong, and nobody knows what its view has read. Once the
-- head has passed the checkpoint, nothing shows the error any more. So must_be_rebuilt records it, and the view stays
-- stopped until it is rebuilt.
CREATE TABLE ordertrail.checkpoints (
    tenant text COLLATE "C" NOT NULL,
    projection text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    error text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    must_be_rebuilt boolean NOT NULL DEFAULT false,
    CONSTRAINT a_projection_has_one_checkpoint PRIMARY KEY (tenant, projection)
) WITH (fillfactor = 50);

-- How often a tenant's views changed without an event: a key was destroyed, or views were rebuilt. Pages that were
-- rendered before are not shown again.
CREATE TABLE ordertrail.editions (
    tenant text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT a_tenant_has_one_edition PRIMARY KEY (tenant)
);

-- SHOPLINE's order action logs: the 42 kinds of action. The newest 100 are read at a time.
-- sealed_in: the id of the event in which the row's personal data is encrypted; NULL if nothing is.
CREATE TABLE ordertrail.action_log (
    tenant text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    type text COLLATE "C" NOT NULL,
    schema_version bigint NOT NULL,
    data json NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    actor_type text NOT NULL,
    application_id text,
    sealed_in text COLLATE "C",
    CONSTRAINT an_action_is_logged_once PRIMARY KEY (tenant, order_id, position)
);
-- SHOPLINE's log is ordered by the only time it shows, and at the same time by the order of recording.
CREATE INDEX actions_by_time ON ordertrail.action_log (tenant, order_id, occurred_at, position);

-- Dintero's order events: what each service reported about the order. They carry the order's version after them.
-- sealed_in: the id of the event in which the report's personal data is encrypted; NULL if nothing is.
CREATE TABLE ordertrail.service_events (
    tenant text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    service text NOT NULL,
    service_status text NOT NULL,
    description text,
    metadata json,
    created_by text NOT NULL,
    version bigint NOT NULL,
    sealed_in text COLLATE "C",
    CONSTRAINT a_service_event_is_listed_once PRIMARY KEY (tenant, order_id, position)
);

-- The present state of each order. detail is the folded state; orders are found by the other columns.
-- customer_from: the field that named the customer, and the id of the event in which the customer's data is encrypted.
CREATE TABLE ordertrail.order_state (
    tenant text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    first_position bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    reference text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    status text COLLATE "C",
    payment_status text COLLATE "C",
    delivery_status text COLLATE "C",
    search text NOT NULL,
    detail json NOT NULL,
    customer_from text COLLATE "C",
    CONSTRAINT an_order_has_one_state PRIMARY KEY (tenant, order_id)
) WITH (fillfactor = 80);
-- Orders are listed newest first, by a position that never changes. So a cursor neither loses nor repeats an order.
CREATE INDEX orders_newest_first ON ordertrail.order_state (tenant, first_position DESC);
-- Orders are found by their partner's reference; the newest order wins.
CREATE INDEX orders_by_reference ON ordertrail.order_state (tenant, reference, first_position DESC)
    WHERE reference IS NOT NULL;
-- Statistics would hold samples of the text that orders are found by, even of values that were erased long ago.
ALTER TABLE ordertrail.order_state ALTER COLUMN search SET STATISTICS 0;

-- Carriyo's system logs: HTTP calls about an order, with the columns they are found by. The event and its content hold
-- the rest. milliseconds: how long a call took by the times that its caller reported; NULL if they do not say.
CREATE TABLE ordertrail.system_log (
    tenant text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    correlation_id text COLLATE "C",
    carrier_id text COLLATE "C",
    direction text COLLATE "C",
    request_type text COLLATE "C",
    response_code bigint,
    milliseconds bigint,
    content_digest text COLLATE "C",
    CONSTRAINT a_call_is_logged_once PRIMARY KEY (tenant, order_id, position)
);
-- The calls about all orders of a tenant, newest first.
CREATE INDEX calls_newest_first ON ordertrail.system_log (tenant, position);
-- The calls that were answered with a status, or not at all, which may be few among many.
CREATE INDEX calls_by_response ON ordertrail.system_log (tenant, response_code, position);
-- The calls that were slow: from the least time on that a search can ask for.
CREATE INDEX slow_calls ON ordertrail.system_log (tenant, milliseconds, position) WHERE milliseconds >= 250;
-- The calls with the same correlation id, whatever their orders.
CREATE INDEX calls_by_correlation ON ordertrail.system_log (tenant, correlation_id, position)
    WHERE correlation_id IS NOT NULL;
-- The calls of each carrier, and the names of all carriers, one step each.
CREATE INDEX calls_by_carrier ON ordertrail.system_log (tenant, carrier_id, position)
    WHERE carrier_id IS NOT NULL;

-- Sendcloud's integration exception logs. The event holds the rest.
CREATE TABLE ordertrail.integration_log (
    tenant text COLLATE "C" NOT NULL,
    integration_id bigint NOT NULL,
    position bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    exception_type text,
    response_code bigint,
    CONSTRAINT an_exception_is_logged_once PRIMARY KEY (tenant, integration_id, position) INCLUDE (occurred_at)
);
-- The exceptions of all integrations of a tenant, newest first. Both indexes hold the time at which pages may end.
CREATE INDEX exceptions_of_all_integrations ON ordertrail.integration_log (tenant, position) INCLUDE (occurred_at);

-- The details of each integration, and since when its calls fail.
CREATE TABLE ordertrail.integrations (
    tenant text COLLATE "C" NOT NULL,
    integration_id bigint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    shop_name text,
    shop_url text,
    details json NOT NULL,
    started_failing_at timestamptz,
    CONSTRAINT an_integration_is_described_once PRIMARY KEY (tenant, integration_id)
) WITH (fillfactor = 80);

-- Everything about one order, in ledger order. The events themselves are read from the ledger.
-- integration_id: the integration that the event ties the order to, or unties it from.
CREATE TABLE ordertrail.timeline (
    tenant text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id text COLLATE "C",
    integration_id bigint,
    CONSTRAINT an_event_is_in_a_timeline_once PRIMARY KEY (tenant, order_id, position)
);
-- The events with the same correlation id in an order's timeline.
CREATE INDEX timelines_by_correlation ON ordertrail.timeline (tenant, order_id, correlation_id, position)
    WHERE correlation_id IS NOT NULL;
-- The orders that an integration's exceptions concern: those whose newest event about the tie is not an untying.
CREATE INDEX orders_tied_to_integrations ON ordertrail.timeline (tenant, integration_id, order_id, position DESC)
    WHERE integration_id IS NOT NULL;
