-- The name of the node that has a tenant: empty on one server. Distributing an installation replaces it.
CREATE FUNCTION ordertrail.node_of(in_tenant text) RETURNS text
LANGUAGE sql STABLE
RETURN '';
