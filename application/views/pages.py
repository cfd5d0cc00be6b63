"""Rendered answers, kept for as long as they would be rendered the same."""

from collections import OrderedDict
from typing import NamedTuple

from application.views.queries import Edition
from domain.values import TenantName

MAX_BYTES = 32 * 2**20
"""How many bytes a worker keeps, keys included. Beyond that, the pages that were unused for longest are dropped."""
MAX_PAGES = 10_000
MAX_PAGE_BYTES = 2**20
MAX_PLACE_BYTES = 4_096
"""A client can make a query long without changing the answer, so long keys are not kept."""


class PageKey(NamedTuple):
    """The key of a page: the path and the query of its request."""

    tenant: TenantName
    path: bytes
    query: bytes

    @property
    def size(self) -> int:
        return len(self.path) + len(self.query)


class Pages:
    """Pages by their keys, each of one edition. A page of an older edition may show data that was erased since."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[PageKey, tuple[Edition, bytes]] = OrderedDict()
        self._bytes = 0
        self._numbers: dict[TenantName, int] = {}

    def find(self, place: PageKey, edition: Edition) -> bytes | None:
        """Return the page of this edition, if it is kept."""
        self._forget_before(place.tenant, edition.number)
        found = self._kept.get(place)
        if found is None or found[0] != edition:
            return None
        self._kept.move_to_end(place)
        return found[1]

    def keep(self, place: PageKey, edition: Edition, page: bytes) -> None:
        """Keep a page. It must have been rendered after its edition was read."""
        if len(page) > MAX_PAGE_BYTES or place.size > MAX_PLACE_BYTES:
            return
        if edition.number < self._numbers.get(place.tenant, 0):
            return
        self._drop(place)
        self._kept[place] = edition, page
        self._bytes += len(page) + place.size
        while self._bytes > self._max_bytes or len(self._kept) > MAX_PAGES:
            self._drop(next(iter(self._kept)))

    def _forget_before(self, tenant: TenantName, number: int) -> None:
        """Drop a tenant's pages with an earlier edition number, because something was erased."""
        if number > self._numbers.get(tenant, 0):
            self._numbers[tenant] = number
            for place in [
                p for p, (edition, _) in self._kept.items() if p.tenant == tenant and edition.number < number
            ]:
                self._drop(place)

    def _drop(self, place: PageKey) -> None:
        found = self._kept.pop(place, None)
        if found is not None:
            self._bytes -= len(found[1]) + place.size
