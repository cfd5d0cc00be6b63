-- The runtime role and its rights: exactly what the statements of the HTTP workers, the projector and the recorder
-- need. All of it is applied again whenever any part of it is missing.

-- name: create_role
-- Roles belong to the whole cluster: another database may have made this one, or may be making it at this moment.
DO $do$
BEGIN
    IF to_regrole('ordertrail_runtime') IS NULL THEN
        CREATE ROLE ordertrail_runtime NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role ordertrail_runtime does not exist and % may not create it', quote_ident(session_user)
        USING ERRCODE = 'insufficient_privilege', HINT = format(
            'Run as a superuser: CREATE ROLE ordertrail_runtime NOLOGIN; GRANT ordertrail_runtime TO %I; and migrate again.',
            session_user
        );
END
$do$

-- name: become_member
-- Since release 16, the creator of a role may administer it but not become it.
DO $do$
DECLARE
    has_set_option CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
    IF NOT pg_has_role(session_user, 'ordertrail_runtime', CASE WHEN has_set_option THEN 'SET' ELSE 'MEMBER' END) THEN
        IF has_set_option THEN
            EXECUTE 'GRANT ordertrail_runtime TO SESSION_USER WITH SET TRUE';
        ELSE
            GRANT ordertrail_runtime TO SESSION_USER;
        END IF;
    END IF;
EXCEPTION
    WHEN unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% may not become the role ordertrail_runtime', quote_ident(session_user)
        USING ERRCODE = 'insufficient_privilege', HINT = format(
            'Run as a superuser: GRANT ordertrail_runtime TO %I; and migrate again.', session_user
        );
END
$do$

-- name: revoke_all
-- A new table or function gives no rights to anybody until it is named below.
ALTER DEFAULT PRIVILEGES IN SCHEMA ordertrail REVOKE ALL ON TABLES FROM PUBLIC, ordertrail_runtime;
ALTER DEFAULT PRIVILEGES IN SCHEMA ordertrail REVOKE ALL ON SEQUENCES FROM PUBLIC, ordertrail_runtime;
ALTER DEFAULT PRIVILEGES IN SCHEMA ordertrail REVOKE ALL ON ROUTINES FROM PUBLIC, ordertrail_runtime;
REVOKE ALL ON SCHEMA ordertrail FROM PUBLIC, ordertrail_runtime;
REVOKE ALL ON ALL TABLES IN SCHEMA ordertrail FROM PUBLIC, ordertrail_runtime;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA ordertrail FROM PUBLIC, ordertrail_runtime;
REVOKE ALL ON ALL ROUTINES IN SCHEMA ordertrail FROM PUBLIC, ordertrail_runtime;

-- name: grant
GRANT USAGE ON SCHEMA ordertrail TO ordertrail_runtime;

-- Only these functions add to ledgers, with their owner's rights. With the role's rights alone, nobody can write a gap,
-- a position of their own choice, or a time of their own.
GRANT SELECT ON ordertrail.tenants, ordertrail.ledgers, ordertrail.events, ordertrail.requests TO ordertrail_runtime;
GRANT EXECUTE ON FUNCTION ordertrail.append_group, ordertrail.append_alone, ordertrail.bind_request, ordertrail.expire_requests
TO ordertrail_runtime;

-- A cluster fills in the defaults before it sends a row to its node. So who may insert a row needs the right to insert
-- the columns that have defaults, too.

-- The rights on the views follow from their definitions (infrastructure/setup/view_rights.py).
GRANT SELECT, INSERT (tenant, projection, position, must_be_rebuilt, updated_at),
      UPDATE (position, error, must_be_rebuilt, updated_at)
ON ordertrail.checkpoints TO ordertrail_runtime;
GRANT SELECT ON ordertrail.editions TO ordertrail_runtime;

-- The keys that sign ledgers can only be added by the owner: nobody trusts a head that another key has signed.
GRANT SELECT, INSERT (tenant, size), UPDATE (size, error) ON ordertrail.trees TO ordertrail_runtime;
GRANT SELECT, INSERT, UPDATE (hashes) ON ordertrail.tiles TO ordertrail_runtime;
GRANT SELECT, INSERT (tenant, size, note, sealed_at) ON ordertrail.tree_heads TO ordertrail_runtime;
GRANT SELECT ON ordertrail.signing_keys TO ordertrail_runtime;
GRANT EXECUTE ON FUNCTION ordertrail.leaf_hash, ordertrail.node_of TO ordertrail_runtime;

-- A subject gets one key, and can lose it for good. A key is never replaced.
GRANT SELECT, INSERT (tenant, subject, wrapped, created_at) ON ordertrail.subject_keys TO ordertrail_runtime;
GRANT EXECUTE ON FUNCTION ordertrail.destroy_subject_key TO ordertrail_runtime;
GRANT EXECUTE ON FUNCTION ordertrail.note_unreadable_keys TO ordertrail_runtime;

-- A content may be stored, even repeatedly. It is deleted only if its subject was forgotten, or if it has expired.
GRANT SELECT, INSERT (tenant, digest, subject, body, recorded_at), UPDATE (recorded_at)
ON ordertrail.bodies TO ordertrail_runtime;
GRANT EXECUTE ON FUNCTION ordertrail.delete_body TO ordertrail_runtime;
GRANT SELECT, INSERT (tenant, keep, expired), UPDATE (keep, expired) ON ordertrail.retention TO ordertrail_runtime;

-- Consumers and webhooks are no history: they come, change and go.
GRANT SELECT, INSERT, UPDATE, DELETE
ON ordertrail.consumers, ordertrail.consumer_members, ordertrail.consumer_partitions, ordertrail.held_streams,
   ordertrail.webhooks
TO ordertrail_runtime;
GRANT SELECT, INSERT, DELETE ON ordertrail.webhook_attempts TO ordertrail_runtime;
GRANT EXECUTE ON FUNCTION ordertrail.partition_of TO ordertrail_runtime;

-- The owner makes credentials and the installation's secrets. The service can end a credential, and make one that ends.
GRANT SELECT ON ordertrail.credentials, ordertrail.installation TO ordertrail_runtime;
GRANT EXECUTE ON FUNCTION ordertrail.create_ending_credential, ordertrail.revoke_credential TO ordertrail_runtime;

-- A link that was used, and a session that was signed out, are good no more: nothing noted of them is changed or removed.
GRANT SELECT, INSERT (tenant, digest, spent_at) ON ordertrail.spent_tokens TO ordertrail_runtime;

-- Refused lines of bulk loads are kept for a while.
GRANT SELECT, INSERT (tenant, load_id, line, refusal, refused_at), DELETE ON ordertrail.refused_lines TO ordertrail_runtime;

-- Snapshots of the eventsourcing library's aggregates: a cache.
GRANT SELECT, INSERT ON ordertrail.snapshots TO ordertrail_runtime;

-- This tells whether the database has the migrations of a release.
GRANT SELECT ON ordertrail._yoyo_migration TO ordertrail_runtime;

-- name: granted
-- The rights of the role and of everybody in the schema. The owner's own rights are left out, because they depend on
-- who the owner is. Rights that somebody gave to other roles are left out too.
SELECT a.what, a.privilege_type, a.is_grantable, coalesce(r.rolname, 'PUBLIC')
FROM (
    SELECT 'schema' AS what, (aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner)))).*
    FROM pg_namespace AS n WHERE n.nspname = 'ordertrail'
    UNION ALL
    SELECT c.relname::text, (aclexplode(coalesce(
        c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner)
    ))).*
    FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace('ordertrail') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT format('%s.%s', c.relname, a.attname), (aclexplode(a.attacl)).*
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
    WHERE c.relnamespace = to_regnamespace('ordertrail') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL
    SELECT format('%s()', p.proname), (aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))).*
    FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace('ordertrail')
    UNION ALL
    SELECT format('later %s', d.defaclobjtype), (aclexplode(d.defaclacl)).*
    FROM pg_default_acl AS d WHERE d.defaclnamespace = to_regnamespace('ordertrail')
) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
WHERE a.grantee = 0 OR r.rolname = 'ordertrail_runtime'

-- name: too_much
-- Rights that the role got elsewhere. It should have only the rights above.
SELECT concat_ws(
    ', ',
    CASE WHEN r.rolsuper THEN 'is a superuser' END,
    CASE WHEN r.rolcreaterole THEN 'may create roles' END,
    CASE WHEN r.rolcreatedb THEN 'may create databases' END,
    CASE WHEN r.rolreplication THEN 'may replicate' END,
    CASE WHEN r.rolbypassrls THEN 'is above row security' END,
    (SELECT 'is a member of ' || string_agg(m.roleid::regrole::text, ' and ' ORDER BY m.roleid)
     FROM pg_auth_members AS m WHERE m.member = r.oid HAVING count(*) > 0)
)
FROM pg_roles AS r WHERE r.rolname = 'ordertrail_runtime'

-- name: stamp
-- The rights as they were set, and the release whose list they follow.
INSERT INTO ordertrail.installation (name, value) VALUES ('rights', %(stamp)s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: stamped
SELECT value FROM ordertrail.installation WHERE name = 'rights'
