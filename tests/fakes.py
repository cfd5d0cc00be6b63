"""Implementations of the application's ports in memory."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

from application.access.callers import Credential
from application.access.tokens import Claims
from application.ledger.port import RecordedEvent
from application.views.projections.projection import Row
from application.views.projections.timeline import TiedOrders
from application.views.upkeep.projector import ViewCheckpoint
from domain.errors import Unauthenticated
from domain.values import Position, TenantName
from tests.builders import ACME

STATES = {"order_state", "integrations"}
"""Views with one row for each thing, by its id, which is replaced. All others are logs, which are added to."""


def present_rows(view: str, rows: Mapping[Any, Any], ids: Sequence[str]) -> Mapping[str, Any]:
    """Return what a view's projection needs of its present rows."""
    if view != "timeline":
        return {id_: row for id_, row in rows.items() if id_ in ids}
    ties = {(row.integration_id, row.order_id): row.type for row in sorted(rows.values(), key=lambda row: row.position)}
    tied = [pair for pair, type_ in ties.items() if str(pair[0]) in ids and type_ == "order.integration_tied"]
    found = {integration_id: [o for i, o in tied if i == integration_id] for integration_id, _ in tied}
    return {str(integration_id): TiedOrders(integration_id, orders) for integration_id, orders in found.items()}


class FakeViewBatch:
    """A transaction on a FakeViewStore: works on copies, which the store takes over when it ends well."""

    def __init__(self, store: "FakeViewStore", held: Sequence[str], head: int) -> None:
        self.rows = {view: dict(rows) for view, rows in store.rows.items()}
        self.stored = dict(store.checkpoints)
        self.checkpoints = [store.checkpoints[name] for name in held]
        self.head = Position(head)
        self._store = store

    async def present(self, view: str, ids: Sequence[str]) -> Mapping[str, Any]:
        return present_rows(view, self.rows.get(view, {}), ids)

    async def save(self, view: str, rows: Sequence[Row]) -> None:
        if view in self._store.broken:
            raise self._store.broken[view]
        kept = self.rows.setdefault(view, {})
        for row in rows:
            key = str(row[0]) if view in STATES else row[:2]
            assert view in STATES or key not in kept, f"{key} was written to {view} twice"
            kept[key] = row

    async def advance(self, projections: Sequence[str], position: int) -> None:
        self.stored |= {name: ViewCheckpoint(name, position, None) for name in projections}

    async def stop(self, projection: str, error: str, *, until_rebuilt: bool = False) -> None:
        self.stored[projection] = self.stored[projection]._replace(error=error)
        self._store.until_rebuilt |= {projection} if until_rebuilt else set()


class FakeViewStore:
    """Implements ViewStore (application.views.upkeep.projector) for one tenant.

    A stopped projection stays so until resume().
    """

    def __init__(self, *ledger: RecordedEvent, tenant: TenantName = ACME, **positions: int) -> None:
        self.ledgers = {tenant: list(ledger)}
        self.checkpoints = {name: ViewCheckpoint(name, position, None) for name, position in positions.items()}
        self.rows: dict[str, dict[Any, Row]] = {}
        self.broken: dict[str, Exception] = {}
        """Views that cannot be written, and what is raised instead."""
        self.until_rebuilt: set[str] = set()
        """Projections that are stopped until they are rebuilt."""
        self.held_elsewhere: set[str] = set()
        """Projections whose checkpoint another projector holds."""
        self.reads: list[tuple[int, int]] = []
        """After which position events were read, and how many."""

    async def events(self, tenant: TenantName, *, after: int, limit: int) -> list[RecordedEvent]:
        events = [event for event in self.ledgers.get(tenant, []) if event.position > after][:limit]
        self.reads.append((after, len(events)))
        return events

    @asynccontextmanager
    async def batch(self, tenant: TenantName, projections: Sequence[str]) -> AsyncIterator[FakeViewBatch]:
        held = [name for name in projections if name in self.checkpoints and name not in self.held_elsewhere]
        batch = FakeViewBatch(self, held, len(self.ledgers.get(tenant, [])))
        yield batch
        self.rows, self.checkpoints = batch.rows, batch.stored

    async def behind(self, projections: Sequence[str], *, within: timedelta | None = None) -> list[TenantName]:
        for name in projections:
            self.checkpoints.setdefault(name, ViewCheckpoint(name, 0, None))
        running = [self.checkpoints[name].position for name in projections if self.checkpoints[name].error is None]
        return [tenant for tenant, ledger in self.ledgers.items() if {*running} - {len(ledger)}]

    def resume(self) -> None:
        stopped = {name: c.error if name in self.until_rebuilt else None for name, c in self.checkpoints.items()}
        self.checkpoints = {name: c._replace(error=stopped[name]) for name, c in self.checkpoints.items()}

    def positions_in(self, view: str) -> list[int]:
        """Return the second field of a view's rows in the order they were added."""
        return [row[1] for row in self.rows.get(view, {}).values()]


class FakeCredentialStore:
    """Implements application.access.callers.CredentialStore, and counts how often it is asked."""

    def __init__(self, *credentials: Credential) -> None:
        self.credentials = {credential.key_id: credential for credential in credentials}
        self.asked = 0

    async def find(self, key_id: str) -> Credential | None:
        self.asked += 1
        return self.credentials.get(key_id)


class FakeTokenSigner:
    """Implements application.access.tokens.TokenSigner: a token is a number under which it remembers the claims."""

    def __init__(self) -> None:
        self.issued: dict[str, Claims] = {}

    def sign(self, claims: Claims) -> str:
        token = f"token-{len(self.issued)}"
        self.issued[token] = claims
        return token

    def read(self, token: str) -> Claims:
        claims = self.issued.get(token)
        if claims is None or claims.expires_at <= time.time():
            raise Unauthenticated("The token was not issued by this server, or no longer valid")
        return claims

    def digest(self, secret: str) -> bytes:
        return sha256(secret.encode()).digest()
