-- The secrets of the installation, and the keys that encrypt personal data and sign ledgers.

-- The values that an installation has one of, such as the key that signs its tokens. They belong to no tenant.
CREATE TABLE ordertrail.installation (
    name text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    CONSTRAINT an_installation_has_one_of_each PRIMARY KEY (name)
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

-- A subject is the order, the integration or the person that personal data is about. It has the name of its stream. Its
-- key is encrypted with the installation's. A destroyed key leaves its row, so that its subject never gets another.
-- unreadable: the SHA-256 of a wrapped key that was needed and could not be read, because its row had been changed. As
-- long as it matches the present key, the key is damaged; a key that was restored or destroyed no longer matches. It is
-- not a copy of the key: the copy might be another subject's key, which must vanish when that key is destroyed.
CREATE TABLE ordertrail.subject_keys (
    tenant text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    destroyed_by text,
    unreadable bytea,
    CONSTRAINT a_subject_has_one_key PRIMARY KEY (tenant, subject),
    CONSTRAINT a_key_is_there_or_was_destroyed_by_somebody
        CHECK (num_nulls(wrapped, destroyed_at) = 1 AND (destroyed_at IS NULL) = (destroyed_by IS NULL))
);
-- Whose data was erased is listed beside each backup, so that a restore can erase it again.
CREATE INDEX destroyed_keys ON ordertrail.subject_keys (tenant, subject) WHERE destroyed_at IS NOT NULL;
CREATE INDEX unreadable_keys ON ordertrail.subject_keys (tenant, subject) WHERE unreadable IS NOT NULL;
