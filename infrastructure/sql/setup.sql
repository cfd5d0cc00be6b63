-- name: survey
-- Whose the schema is, whether the DSN's user may act as its owner or as the runtime role, and whether it is ours.
SELECT owner.rolname,
       coalesce(pg_has_role(session_user, n.nspowner, v.may_become), false),
       role.oid IS NOT NULL,
       coalesce(pg_has_role(session_user, role.oid, v.may_become), false),
       EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relname = '_yoyo_migration'),
       EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relname NOT LIKE '%yoyo%')
       OR EXISTS (SELECT FROM pg_proc AS p WHERE p.pronamespace = n.oid)
FROM (
    SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END AS may_become
) AS v
LEFT JOIN pg_namespace AS n ON n.nspname = 'ordertrail'
LEFT JOIN pg_roles AS owner ON owner.oid = n.nspowner
LEFT JOIN pg_roles AS role ON role.rolname = 'ordertrail_runtime'

-- name: history
SELECT migration_id FROM ordertrail._yoyo_migration

-- name: become_user
SELECT set_config('role', 'none', false)

-- name: become_runtime
SELECT set_config('role', 'ordertrail_runtime', false)

-- name: create_schema
CREATE SCHEMA ordertrail

-- name: lock
SELECT pg_advisory_lock(hashtextextended('ordertrail migrations', 0))

-- name: unlock
SELECT pg_advisory_unlock(hashtextextended('ordertrail migrations', 0))
