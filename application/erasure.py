"""Erasure: what is kept beside the ledger of a redacted order is deleted."""

from application.contents import ContentStore
from application.queries import Queries
from domain.errors import Unavailable
from domain.values import TenantName


class Erasure:
    """Deletes what was said in the calls about an order, never an event. Idempotent."""

    def __init__(self, queries: Queries, contents: ContentStore) -> None:
        self._queries = queries
        self._contents = contents

    async def erase(self, tenant: TenantName, order_id: str) -> None:
        """Delete the contents of an order's calls that no other order's has, redacted ones aside.

        Raises Unavailable if not all of them are known yet, or could be deleted.
        """
        freshness = await self._queries.fresh(tenant, "system_log", "order_state")
        if freshness.lag:
            raise Unavailable("The order is redacted, but not all it holds was found yet to be erased; try again")
        # What another order's request has put just now and not recorded yet, byte by byte the same, is not known here.
        for digest in await self._queries.views.contents_of_order_alone(tenant, order_id):
            await self._contents.delete(tenant, digest)
