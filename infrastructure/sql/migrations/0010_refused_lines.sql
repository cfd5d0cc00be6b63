-- Lines of bulk loads that were refused, for whoever sent them. They are no part of the ledger, and expire.
CREATE TABLE ordertrail.refused_lines (
    tenant text COLLATE "C" NOT NULL,
    load_id text COLLATE "C" NOT NULL,
    line bigint NOT NULL,
    refusal text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_line_of_a_load_is_refused_once PRIMARY KEY (tenant, load_id, line)
);
-- What has expired is deleted with the next load that has refused lines.
CREATE INDEX refused_lines_by_age ON ordertrail.refused_lines (tenant, refused_at);
