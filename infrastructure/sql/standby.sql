-- name: primary
-- Which server and which database this is, which history it writes, and how far it has come.
SELECT c.system_identifier::text,
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
       (pg_current_wal_flush_lsn() - '0/0')::bigint
FROM pg_control_system() AS c

-- name: standby
-- The same of a standby. What it notes of its history lags: a standby that has followed its primary to a new one says
-- so within minutes.
SELECT c.system_identifier::text,
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
       greatest(checkpoint.timeline_id, recovery.min_recovery_end_timeline),
       coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint,
       pg_is_in_recovery(),
       pg_postmaster_start_time()::text
FROM pg_control_system() AS c, pg_control_checkpoint() AS checkpoint, pg_control_recovery() AS recovery
