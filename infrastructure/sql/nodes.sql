-- The nodes of a cluster. One server has one node, whose name is empty.

-- name: tenants_by_node
SELECT node, array_agg(tenant ORDER BY tenant)
FROM (SELECT tenant, ordertrail.node_of(tenant) AS node FROM ordertrail.tenants) AS t
GROUP BY node
ORDER BY node

-- name: answers
SELECT FROM ordertrail.ledgers WHERE tenant = %(tenant)s
