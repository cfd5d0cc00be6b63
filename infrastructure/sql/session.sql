-- name: set_up
-- One round trip for all. A server's default that is weaker than on is replaced, and a stronger one is kept. It is set
-- in either case, because a default changes with the server's configuration. A session that asks for another has its way.
SELECT set_config(s.name, s.value, false) FROM unnest(%(names)s::text[], %(values)s::text[]) AS s (name, value)
UNION ALL
SELECT set_config('synchronous_commit', CASE d.value WHEN 'remote_apply' THEN d.value ELSE 'on' END, false)
FROM (SELECT current_setting('synchronous_commit') AS value) AS d
WHERE 'synchronous_commit' <> ALL (%(names)s::text[])

-- name: become_owner
-- The schema's owner, if there is a schema. Nothing happens if the DSN's user may not become the owner.
SELECT owner.rolname, CASE WHEN pg_has_role(session_user, owner.oid, v.may_become) THEN
           set_config('role', owner.rolname, false)
       END
FROM (
    SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END AS may_become
) AS v
JOIN pg_namespace AS n ON n.nspname = 'ordertrail'
JOIN pg_roles AS owner ON owner.oid = n.nspowner

-- name: safety
SELECT name, setting FROM (
    VALUES ('fsync', current_setting('fsync')), ('full_page_writes', current_setting('full_page_writes'))
) AS s (name, setting)
