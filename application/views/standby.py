"""Reads from a standby: a copy of the database that follows it, and is read where it shows enough."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Protocol

from application.ledger.port import EventStore
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from application.runtime.request_context import current
from application.views.queries import FIRST_POLL_SECONDS, Freshness, Queries
from domain.errors import Unavailable
from domain.values import Position, TenantName

WAIT_SECONDS = 0.1
"""How long a read waits for the views of a standby whose ledger is far enough. Its primary is asked after that."""
READ_SECONDS = 5.0
"""How long a read may wait for a standby in all. So there is time left to ask the primary."""


class StandbyBehind(Unavailable):
    """The standby does not show enough yet."""


class Standing(NamedTuple):
    """How far a tenant's ledger is, and the number of the tenant's edition, which counts what was erased."""

    head: int
    number: int

    def require_shown(self, head: int, number: int) -> None:
        """Raise StandbyBehind if a standby with this head and this number shows less."""
        if head < self.head or number < self.number:
            raise StandbyBehind


class Standings(Protocol):
    """The ledgers' standings on one server."""

    async def standing(self, tenant: TenantName) -> Standing:
        """Return how far a tenant's ledger is. Raises TenantNotFound, Unavailable."""


class StandbyState(Protocol):
    """What is known of the standby, without a look at it."""

    @property
    def is_usable(self) -> bool:
        """Whether it can be read from, as far as we know."""


_wanted: ContextVar[Standing] = ContextVar("wanted standing")


@contextmanager
def wanting(standing: Standing) -> Iterator[None]:
    """Let reads from a standby show this much, or raise StandbyBehind. They take only so much of the request's time."""
    request, token = current.get(), _wanted.set(standing)
    spared = 0.0 if request is None else max(request.seconds_left - READ_SECONDS, 0.0)
    if request is not None:
        request.seconds_left -= spared
    try:
        yield
    finally:
        _wanted.reset(token)
        if request is not None:
            request.seconds_left += spared


class StandbyStore(EncryptedEventStore):
    """The ledgers on a standby. Whoever asks for a ledger's head learns whether it is far enough."""

    def __init__(self, store: EventStore, vault: Vault, standings: Standings, *, secret: bytes) -> None:
        super().__init__(store, vault, secret=secret)
        self._standings = standings

    async def head(self, tenant: TenantName) -> Position:
        """Return the standby's head. Raises StandbyBehind, TenantNotFound."""
        found = await self._standings.standing(tenant)
        _wanted.get().require_shown(*found)
        return Position(found.head)


class StandbyQueries(Queries):
    """Reads of a standby's views that see what they are wanted to see."""

    async def fresh(self, tenant: TenantName, *views: str, order_id: str | None = None) -> Freshness:
        """Wait a short while until these views show what is wanted. lag is always 0: nothing wanted is missing.

        The standby sends no notifications; it is asked again and again. Raises StandbyBehind, TenantNotFound.
        """
        wanted, deadline, pause = _wanted.get(), time.monotonic() + WAIT_SECONDS, FIRST_POLL_SECONDS
        while True:
            progress = await self.views.progress(tenant, views, order_id)
            wanted.require_shown(progress.head, progress.edition.number)
            reached = min(progress.reached, progress.head)
            if reached >= wanted.head:
                return Freshness(Position(reached), 0, progress.edition)
            if progress.is_stopped or time.monotonic() >= deadline:
                raise StandbyBehind
            pause = await self.wait(tenant, pause)
