-- Credentials, the installation's own secrets, and large bodies.

-- A credential belongs to one tenant and serves every dialect. Its secret is random, so a plain digest of it is stored.
-- performer_…: the person to whom its actions are attributed, if a person authorised the program to act for them.
CREATE TABLE ordertrail.credentials (
    tenant text COLLATE "C" NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    secret_digest bytea NOT NULL,
    scopes text[] NOT NULL,
    name text NOT NULL,
    performer_id text,
    performer_name text,
    performer_type text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    CONSTRAINT a_performer_is_described_in_full CHECK (num_nulls(performer_id, performer_name, performer_type) IN (0, 3)),
    CONSTRAINT a_tenants_key_id_is_given_once PRIMARY KEY (tenant, key_id)
);
-- A request names its key id before we know its tenant.
CREATE INDEX credentials_by_key_id ON ordertrail.credentials (key_id);

-- The values that an installation has one of, such as the key that signs its tokens. They belong to no tenant.
CREATE TABLE ordertrail.installation (
    name text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    CONSTRAINT an_installation_has_one_of_each PRIMARY KEY (name)
);

-- Large bodies, each encrypted with its subject's key; the digest is the SHA-256 of the encrypted body.
CREATE TABLE ordertrail.bodies (
    tenant text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    subject text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_body_is_stored_once PRIMARY KEY (tenant, digest)
);
