"""Proof of views: finds the rows that differ from what the ledger makes of them, each with its event."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from application.ledger.port import EventStore, RecordedEvent
from application.views.time_travel import TimeTravel
from application.views.upkeep.rebuild import RowDifference
from domain.streams import integration_stream
from domain.values import TenantName


class Finding(NamedTuple):
    """A row that differs from the ledger: its view, its key, what is wrong, and the event it is about.

    event is None if the row is about an event that was never recorded.
    """

    view: str
    key: str
    what: str
    event: RecordedEvent | None


class ViewProof:
    """Finds the events that differing rows are about."""

    def __init__(self, store: EventStore, time_travel: TimeTravel) -> None:
        self._store = store
        self._time_travel = time_travel

    async def finding(self, tenant: TenantName, difference: RowDifference) -> Finding:
        """Return what is wrong with a row."""
        live, rebuilt = difference.live, difference.rebuilt
        if live is None:
            what = "is missing"
        elif rebuilt is None:
            what = "should not be there"
        else:
            what = f"differs in {', '.join(_differing(live, rebuilt)) or 'how it is written'}"
        row = rebuilt or live or {}
        return Finding(difference.view, _key(row), what, await self._event(tenant, row, difference))

    async def _event(
        self, tenant: TenantName, row: Mapping[str, Any], difference: RowDifference
    ) -> RecordedEvent | None:
        """Return the event that made a row, or the last event that made the differing part of it."""
        found: list[RecordedEvent] = []
        if "position" in row:
            found = await self._store.read_ledger(tenant, after=row["position"] - 1, upto=row["position"], limit=1)
        elif "order_id" in row and difference.rebuilt:
            return await self._event_of_order(tenant, difference.live or row, difference.rebuilt)
        elif difference.rebuilt:
            stream, version = integration_stream(row["integration_id"]), row["version"]
            found = await self._store.read_stream(tenant, stream, after=version - 1, upto=version)
        return found[0] if found else None

    async def _event_of_order(
        self, tenant: TenantName, live: Mapping[str, Any], rebuilt: Mapping[str, Any]
    ) -> RecordedEvent | None:
        fields = set(_differing(live, rebuilt))
        if "detail" in fields:
            fields |= set(_differing(live["detail"], rebuilt["detail"]))
        if "search" in fields:
            fields |= {"reference", "customer"}
        version = rebuilt["detail"]["version"]
        order, changes = await self._time_travel.changes(tenant, rebuilt["order_id"], after=0, upto=version)
        made_by = [change.made_by for change in changes if change.path[0] in fields]
        return max(made_by, key=lambda event: event.version, default=order.newest)


def _differing(live: Any, rebuilt: Mapping[str, Any]) -> list[str]:
    """Return the names of the members that differ."""
    members = live if isinstance(live, Mapping) else {}
    return [name for name in {**rebuilt, **members} if members.get(name, ...) != rebuilt.get(name, ...)]


def _key(row: Mapping[str, Any]) -> str:
    """Say which row it is."""
    thing = f"order {row['order_id']}" if "order_id" in row else f"integration {row['integration_id']}"
    return f"{thing} at position {row['position']}" if "position" in row else thing
