-- The signed tokens of the pages that are no longer good, by their SHA-256: the links that signed somebody in, which
-- are good once, and the sessions that were signed out. The primary key decides who of two that use a link at the same
-- time is first.
CREATE TABLE ordertrail.spent_tokens (
    tenant text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    spent_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_token_is_spent_once PRIMARY KEY (tenant, digest)
);
