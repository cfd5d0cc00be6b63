-- name: survey
-- The schema's owner, whether the DSN's user may act as the owner or as the runtime role, and whether the schema is
-- ours.
SELECT owner.rolname,
       coalesce(pg_has_role(session_user, n.nspowner, v.may_become), false),
       role.oid IS NOT NULL,
       coalesce(pg_has_role(session_user, role.oid, v.may_become), false),
       EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relname = '_yoyo_migration'),
       EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relname NOT LIKE '%yoyo%')
       OR EXISTS (SELECT FROM pg_proc AS p WHERE p.pronamespace = n.oid),
       (SELECT min(pg_get_userbyid(o.owner)) FROM (
           SELECT c.relowner AS owner FROM pg_class AS c WHERE c.relnamespace = n.oid
           UNION ALL
           SELECT p.proowner FROM pg_proc AS p WHERE p.pronamespace = n.oid
       ) AS o WHERE o.owner <> n.nspowner)
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

-- name: give_to_owner
-- Everything in the schema is given to the schema's owner: a dump of one owner may have been restored by another.
DO $do$
DECLARE
    change text;
BEGIN
    FOR change IN
        SELECT format(
            'ALTER %s %s OWNER TO %I',
            CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
            c.oid::regclass, pg_get_userbyid(n.nspowner)
        )
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'ordertrail' AND c.relowner <> n.nspowner AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, pg_get_userbyid(n.nspowner))
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = 'ordertrail' AND p.proowner <> n.nspowner
    LOOP
        EXECUTE change;
    END LOOP;
END
$do$

-- name: lock
SELECT pg_advisory_lock(hashtextextended('ordertrail migrations', 0))

-- name: unlock
SELECT pg_advisory_unlock(hashtextextended('ordertrail migrations', 0))
