"""The statements that are about all tenants."""

from collections.abc import Mapping

FINDS_THE_TENANT = "it looks for the tenant, which only the key id tells"
LISTS_TENANTS = "it tells which tenants there are, or which have something to do, and nothing of their data"
OF_THE_INSTALLATION = "it counts over all tenants, for monitoring"
EVERY_TENANT: Mapping[tuple[str, str], str] = {
    ("credentials", "find_credential"): FINDS_THE_TENANT,
    ("credentials", "taken"): FINDS_THE_TENANT,
    ("credentials", "tenants"): LISTS_TENANTS,
    ("health", "consumers"): OF_THE_INSTALLATION,
    ("health", "damaged_keys"): OF_THE_INSTALLATION,
    ("health", "held_streams"): OF_THE_INSTALLATION,
    ("health", "projections"): OF_THE_INSTALLATION,
    ("health", "sealing"): OF_THE_INSTALLATION,
    ("key_register", "tenant_of"): FINDS_THE_TENANT,
    ("nodes", "tenants_by_node"): LISTS_TENANTS,
    ("retention", "limited"): LISTS_TENANTS,
    ("transparency", "create_missing_trees"): LISTS_TENANTS,
    ("transparency", "misnoted"): LISTS_TENANTS,
    ("transparency", "unsealed"): LISTS_TENANTS,
    ("views", "behind"): LISTS_TENANTS,
    ("views", "create_missing_checkpoints"): LISTS_TENANTS,
    ("webhooks", "all"): LISTS_TENANTS,
    ("webhooks", "due"): LISTS_TENANTS,
}
"""The statements that pin no tenant, and why."""
ON_EVERY_NODE = {
    ("credentials", "find_credential"),
    ("credentials", "taken"),
    ("credentials", "tenants"),
    ("key_register", "tenant_of"),
    ("nodes", "tenants_by_node"),
}
"""Those that read only tables that are whole on every node."""
