-- Webhooks: consumers that the server runs. Each is the consumer webhook/ and its id, which keeps its filter and place.

-- secret and earlier_secret are encrypted with the installation's key; the earlier one is valid until earlier_until.
--   failures, failing_since    deliveries that failed in a row, whatever their orders, and since when
--   next_at                    nothing is sent before
CREATE TABLE ordertrail.webhooks (
    tenant text COLLATE "C" NOT NULL,
    webhook text COLLATE "C" NOT NULL,
    url text NOT NULL,
    description text NOT NULL,
    with_data boolean NOT NULL,
    secret bytea NOT NULL,
    earlier_secret bytea,
    earlier_until timestamptz,
    failures int NOT NULL DEFAULT 0,
    failing_since timestamptz,
    next_at timestamptz NOT NULL DEFAULT '-infinity',
    succeeded_at timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_tenants_webhook_is_made_once PRIMARY KEY (tenant, webhook),
    CONSTRAINT what_is_disabled_has_a_reason CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
) WITH (fillfactor = 70);

-- What was sent, and what was answered. detail holds both, encrypted with the key of the event's subject: when that is
-- forgotten, nobody can read it any more. Attempts are removed after 30 days.
CREATE TABLE ordertrail.webhook_attempts (
    tenant text COLLATE "C" NOT NULL,
    webhook text COLLATE "C" NOT NULL,
    attempt text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    message_id text NOT NULL,
    stream text NOT NULL,
    position bigint,
    number int NOT NULL,
    started_at timestamptz NOT NULL,
    seconds float8 NOT NULL,
    status int,
    error text,
    detail bytea,
    CONSTRAINT an_attempt_is_logged_once PRIMARY KEY (tenant, webhook, attempt)
);
