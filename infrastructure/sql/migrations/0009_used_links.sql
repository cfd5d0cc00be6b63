-- The links that signed somebody in to the pages, by their SHA-256. A link is good once. The primary key decides who of
-- two that use it at the same time is first.
CREATE TABLE ordertrail.used_links (
    tenant text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    used_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_link_is_used_once PRIMARY KEY (tenant, digest)
);
