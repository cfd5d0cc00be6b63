-- The runtime role: what the running service may do. It connects as whoever it likes and becomes this role, so that
-- the ledger is append-only for it in the database too. Roles belong to the whole cluster: another database may have
-- made it already, or be making it at this moment.
DO $do$
BEGIN
    IF to_regrole('ordertrail_runtime') IS NULL THEN
        CREATE ROLE ordertrail_runtime NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role ordertrail_runtime does not exist and % may not create it', quote_ident(current_user)
        USING ERRCODE = 'insufficient_privilege', HINT = format(
            'Run as a superuser: CREATE ROLE ordertrail_runtime NOLOGIN; GRANT ordertrail_runtime TO %I; and migrate again.',
            current_user
        );
END
$do$;

-- From release 16 on, who creates a role may administer it but not become it.
DO $do$
DECLARE
    has_set_option CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
    IF NOT pg_has_role(current_user, 'ordertrail_runtime', CASE WHEN has_set_option THEN 'SET' ELSE 'MEMBER' END) THEN
        IF has_set_option THEN
            EXECUTE 'GRANT ordertrail_runtime TO CURRENT_USER WITH SET TRUE';
        ELSE
            GRANT ordertrail_runtime TO CURRENT_USER;
        END IF;
    END IF;
EXCEPTION
    WHEN unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% may not become the role ordertrail_runtime', quote_ident(current_user)
        USING ERRCODE = 'insufficient_privilege', HINT = format(
            'Run as a superuser: GRANT ordertrail_runtime TO %I; and migrate again.', current_user
        );
END
$do$;

GRANT USAGE ON SCHEMA ordertrail TO ordertrail_runtime;

-- Tables hold what can be derived again or has to change, unless they are named below.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ordertrail TO ordertrail_runtime;
ALTER DEFAULT PRIVILEGES IN SCHEMA ordertrail GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ordertrail_runtime;

-- History: added to, never changed.
REVOKE UPDATE, DELETE ON ordertrail.events, ordertrail.requests FROM ordertrail_runtime;

-- The migrations' own records.
REVOKE INSERT, UPDATE, DELETE ON ordertrail._yoyo_migration, ordertrail._yoyo_log, ordertrail._yoyo_version
FROM ordertrail_runtime;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ordertrail TO ordertrail_runtime;
ALTER DEFAULT PRIVILEGES IN SCHEMA ordertrail GRANT EXECUTE ON FUNCTIONS TO ordertrail_runtime;
