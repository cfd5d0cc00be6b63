"""Rendered answers, and rendered entries of lists, kept for as long as they would be rendered the same."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from application.views.known import RenderedEntry
from application.views.queries import Edition
from domain.values import TenantName

MAX_BYTES = 16 * 2**20
"""How many bytes a worker keeps of each kind, keys included. What was unused for longest is dropped beyond that."""
MAX_PAGES = 10_000
MAX_PAGE_BYTES = 2**20
MAX_PLACE_BYTES = 4_096
"""A client can make a query long without changing the answer, so long keys are not kept."""
ENTRY_BYTES = 200
"""About what an entry takes besides its bytes."""


class Key(Protocol):
    """What something is kept under."""

    @property
    def tenant(self) -> TenantName: ...

    @property
    def size(self) -> int: ...

    def __hash__(self) -> int: ...


class PageKey(NamedTuple):
    """The key of a page: the path and the query of its request."""

    tenant: TenantName
    path: bytes
    query: bytes

    @property
    def size(self) -> int:
        return len(self.path) + len(self.query)


class ListKey(NamedTuple):
    """The key of the entries of a list: the path of the requests that ask for pages of it."""

    tenant: TenantName
    path: bytes

    @property
    def size(self) -> int:
        return len(self.path)


K = TypeVar("K", bound=Key)
V = TypeVar("V")


class _Kept(Generic[K, V]):
    """Values by keys, up to so many bytes. Values with an earlier number of their tenant's edition are dropped."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[K, tuple[V, int, int]] = OrderedDict()
        self._bytes = 0
        self._numbers: dict[TenantName, int] = {}

    def find(self, key: K, number: int) -> V | None:
        """Return the value of a key, if it is kept."""
        self._forget_before(key.tenant, number)
        found = self._values.get(key)
        if found is None or found[2] != number:
            return None
        self._values.move_to_end(key)
        return found[0]

    def keep(self, key: K, number: int, value: V, size: int) -> None:
        """Keep a value, unless it is large or of an earlier number than the tenant's."""
        if size > MAX_PAGE_BYTES or key.size > MAX_PLACE_BYTES or number < self._numbers.get(key.tenant, 0):
            return
        self._drop(key)
        self._values[key] = value, size + key.size, number
        self._bytes += size + key.size
        while self._bytes > self._max_bytes or len(self._values) > MAX_PAGES:
            self._drop(next(iter(self._values)))

    def _forget_before(self, tenant: TenantName, number: int) -> None:
        """Drop a tenant's values with an earlier number, because something was erased."""
        if number > self._numbers.get(tenant, 0):
            self._numbers[tenant] = number
            for key in [k for k, (_, _, of) in self._values.items() if k.tenant == tenant and of < number]:
                self._drop(key)

    def _drop(self, key: K) -> None:
        found = self._values.pop(key, None)
        if found is not None:
            self._bytes -= found[1]


class Pages:
    """Pages by their keys, each of one edition. A page of an older edition may show data that was erased since."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._kept: _Kept[PageKey, tuple[Edition, bytes]] = _Kept(max_bytes)

    def find(self, place: PageKey, edition: Edition) -> bytes | None:
        """Return the page of this edition, if it is kept."""
        found = self._kept.find(place, edition.number)
        return found[1] if found is not None and found[0] == edition else None

    def keep(self, place: PageKey, edition: Edition, page: bytes) -> None:
        """Keep a page. It must have been rendered after its edition was read."""
        self._kept.keep(place, edition.number, (edition, page), len(page))


class Entries:
    """Rendered entries of lists by their positions.

    An entry never changes; only what may be shown of it does. So a page that has changed is made of entries that are
    kept and of those that are new.
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._kept: _Kept[ListKey, Mapping[int, RenderedEntry]] = _Kept(max_bytes)

    def find(self, place: ListKey, edition: Edition) -> Mapping[int, RenderedEntry]:
        """Return the entries of a list that are kept."""
        return self._kept.find(place, edition.number) or {}

    def keep(self, place: ListKey, edition: Edition, entries: Mapping[int, RenderedEntry]) -> None:
        """Keep entries in place of those before. They must have been rendered after their edition was read."""
        size = sum(len(entry.part) for entry in entries.values()) + len(entries) * ENTRY_BYTES
        self._kept.keep(place, edition.number, entries, size)
