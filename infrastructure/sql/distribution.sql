-- Distributing an installation by tenant, on a server with the extension Citus.

-- name: has_citus
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')

-- name: tables
-- Our tables: whether their rows are where their tenant is, and whether they are on the nodes yet. The ledgers come
-- first, because all others are kept where they are. Tenants and credentials are on every node, so that no request asks
-- the nodes of other tenants who it is. A table on the nodes has this trigger, and a server without Citus has no such
-- function. yoyo's own tables stay on the coordinator.
SELECT c.relname, t.attnum IS NOT NULL AND c.relname NOT IN ('tenants', 'credentials'), EXISTS (
    SELECT FROM pg_trigger AS g WHERE g.tgrelid = c.oid AND g.tgfoid = to_regproc('pg_catalog.citus_truncate_trigger')
)
FROM pg_class AS c
LEFT JOIN pg_attribute AS t ON t.attrelid = c.oid AND t.attname = 'tenant' AND NOT t.attisdropped
WHERE c.relnamespace = to_regnamespace('ordertrail') AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE '%yoyo%'
ORDER BY c.relname <> 'ledgers', c.relname

-- name: distribute_ledgers
-- citus.shard_count says into how many parts.
SELECT create_distributed_table('ordertrail.ledgers', 'tenant', colocate_with => 'none')

-- name: distribute_table
SELECT create_distributed_table(
    format('ordertrail.%%I', %(name)s::text)::regclass, 'tenant', colocate_with => 'ordertrail.ledgers'
)

-- name: copy_table_to_all_nodes
SELECT create_reference_table(format('ordertrail.%%I', %(name)s::text)::regclass)

-- name: forget_local_rows
-- What the table held before it was distributed is still here, besides where it is now.
SELECT truncate_local_data_after_distributing_table(format('ordertrail.%%I', %(name)s::text)::regclass)

-- name: functions
-- Our functions that are not on all nodes, and whether they are entry points: these have their owner's rights, and run
-- at the node of their first argument, the tenant. All others are called there, but for those about credentials, which
-- are on every node: they run where they are called.
SELECT p.oid::regprocedure::text, e.is_entry
FROM pg_proc AS p
CROSS JOIN LATERAL (SELECT p.prosecdef AND p.proname NOT LIKE '%\_credential') AS e (is_entry)
LEFT JOIN pg_catalog.pg_dist_object AS o ON o.classid = 'pg_proc'::regclass AND o.objid = p.oid
WHERE p.pronamespace = to_regnamespace('ordertrail')
  AND (o.objid IS NULL OR (e.is_entry AND o.distribution_argument_index IS DISTINCT FROM 0))
ORDER BY e.is_entry, 1

-- name: plan_each_call
-- On a node, each plan is made with its tenant, which a plan for all tenants lacks. A plan that is kept there grows with
-- each use as well: Citus 13.2 adds a plan for the tenant's part to it, again and again, until the session ends.
-- A tenant that statistics do not know yet seems to have one event. To read all of its events and sort them then seems
-- cheaper than to read the last one of a stream in its index, unless nothing is sorted.
-- A statement that has to sort nevertheless then seems so dear that a server with LLVM would compile it first: a quarter
-- of a second for each refused append, with its ledger locked.
DO $do$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = to_regnamespace('ordertrail') AND p.prosecdef
          AND NOT coalesce(p.proconfig, '{}') @> '{plan_cache_mode=force_custom_plan,enable_sort=off,jit=off}'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_custom_plan', function);
        EXECUTE format('ALTER FUNCTION %s SET enable_sort = off', function);
        EXECUTE format('ALTER FUNCTION %s SET jit = off', function);
    END LOOP;
END
$do$

-- name: distribute_function
-- Within a transaction too, it runs at the node of its tenant.
SELECT create_distributed_function(
    %(name)s::regprocedure, distribution_arg_name => 'in_tenant', colocate_with => 'ordertrail.ledgers',
    force_delegation => true
)

-- name: copy_function_to_all_nodes
SELECT create_distributed_function(%(name)s::regprocedure)

-- name: name_nodes
CREATE OR REPLACE FUNCTION ordertrail.node_of(in_tenant text) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT n.nodename || ':' || n.nodeport
    FROM pg_catalog.pg_dist_placement AS p JOIN pg_catalog.pg_dist_node AS n USING (groupid)
    WHERE n.noderole = 'primary'
      AND p.shardid = pg_catalog.get_shard_id_for_distribution_column('ordertrail.ledgers', in_tenant)
$$

-- name: nodes
-- What each node says of itself, or why it does not answer.
SELECT n.nodename || ':' || n.nodeport, r.success, r.result
FROM run_command_on_all_nodes(%(command)s) AS r JOIN pg_dist_node AS n USING (nodeid)
ORDER BY n.groupid

-- name: node
-- It is executed on each node.
SELECT json_build_object(
    'fsync', current_setting('fsync'),
    'full_page_writes', current_setting('full_page_writes'),
    'is_standby', pg_is_in_recovery(),
    'default_transaction_read_only', current_setting('default_transaction_read_only'),
    'can_log_in', EXISTS (SELECT FROM pg_roles WHERE rolname = 'ordertrail_runtime' AND rolcanlogin),
    'settings', coalesce((
        SELECT to_json(s.setconfig)
        FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase JOIN pg_roles AS r ON r.oid = s.setrole
        WHERE d.datname = current_database() AND r.rolname = 'ordertrail_runtime'
    ), '[]')
)::text

-- name: let_role_in
-- A node connects to another one as the role that a session has.
DO $do$
BEGIN
    IF NOT (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'ordertrail_runtime') THEN
        ALTER ROLE ordertrail_runtime LOGIN;
    END IF;
END
$do$
