-- name: server
-- What the server is, whether it takes writes, and where its data is, if we may know.
SELECT current_setting('server_version'),
       pg_is_in_recovery(),
       current_setting('transaction_read_only') = 'on',
       current_setting('synchronous_commit'),
       pg_database_size(current_database()),
       (SELECT s.setting FROM pg_settings AS s WHERE s.name = 'data_directory')
