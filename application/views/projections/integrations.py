"""The integrations: the details of each, and since when its calls fail."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic_core import to_json

from application.views.projections.entries import Entry
from application.views.projections.projection import Projection
from application.views.projections.view import Fixed, Json, View
from domain.events.integration import ExceptionLogged, Recovered, Registered
from domain.streams import integration_id_of


class IntegrationRow(NamedTuple):
    """One integration; details are JSON.

    created_at is when we first heard of it, updated_at when it last changed; both by our clock. started_failing_at is
    the earliest occurred_at of the exceptions that were logged since its last recovery; None if there are none.
    Registering an integration again says nothing about its calls, so it leaves started_failing_at as it is.
    """

    integration_id: int
    version: int
    created_at: Fixed[datetime]
    updated_at: datetime
    shop_name: str | None
    shop_url: str | None
    details: Json
    started_failing_at: datetime | None


INTEGRATIONS_VIEW = View("integrations", IntegrationRow, key=("integration_id",))


def _needs(entries: Sequence[Entry]) -> list[str]:
    streams = {entry.recorded.stream for entry in entries if entry.recorded.type.startswith("integration.")}
    ids = {integration_id_of(stream) for stream in streams}
    return [id_ for id_ in ids if id_.isascii() and id_.isdigit()]


def _rows(entries: Sequence[Entry], present: Mapping[str, IntegrationRow]) -> list[IntegrationRow]:
    """Fold each integration's events onto its row."""
    rows: dict[int, IntegrationRow] = {}
    for entry in entries:
        if entry.type.startswith("integration."):
            id_ = entry.integration_id
            rows[id_] = _after(rows.get(id_) or present.get(str(id_)) or _new(id_, entry), entry)
    return list(rows.values())


def _new(integration_id: int, entry: Entry) -> IntegrationRow:
    now = entry.recorded.recorded_at
    return IntegrationRow(integration_id, 0, now, now, None, None, b"{}", None)


def _after(row: IntegrationRow, entry: Entry) -> IntegrationRow:
    fields, occurred_at = entry.fields, entry.recorded.occurred_at
    match entry.type:
        case Registered.topic:
            details = to_json(fields["details"])
            changed = row._replace(shop_name=fields["shop_name"], shop_url=fields["shop_url"], details=details)
        case ExceptionLogged.topic:
            # Clients date exceptions, and may report them late: the first to be logged need not be the earliest.
            changed = row._replace(started_failing_at=min(row.started_failing_at or occurred_at, occurred_at))
        case Recovered.topic:
            changed = row._replace(started_failing_at=None)
        case _:
            changed = row
    if changed != row:
        changed = changed._replace(updated_at=entry.recorded.recorded_at)
    return changed._replace(version=entry.recorded.version)


INTEGRATIONS = Projection(INTEGRATIONS_VIEW.name, rows=_rows, needs=_needs)
