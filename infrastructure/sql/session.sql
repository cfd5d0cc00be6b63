-- name: set_up
-- All in one round trip. A default of the server that is weaker than on is not ours, a stronger one is. It is set in
-- either case: what is only a default changes with the server's configuration.
SELECT set_config(s.name, s.value, false) FROM unnest(%(names)s::text[], %(values)s::text[]) AS s (name, value)
UNION ALL
SELECT set_config('synchronous_commit', CASE d.value WHEN 'remote_apply' THEN d.value ELSE 'on' END, false)
FROM (SELECT current_setting('synchronous_commit') AS value) AS d

-- name: safety
SELECT name, setting FROM (
    VALUES ('fsync', current_setting('fsync')), ('full_page_writes', current_setting('full_page_writes'))
) AS s (name, setting)
