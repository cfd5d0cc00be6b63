"""What `ordertrail replay` prints: a ledger's events, or its orders as they were."""

import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any

from api.bootstrap import open_services
from api.cli.terminal.progress import progress
from api.http.reading.json_text import to_json
from api.native.render import cloud_event, past_order
from api.services import Services
from application.ledger.replay import Bound
from application.views.history import Clock
from domain.errors import OrderNotYet
from domain.values import TenantName

Items = AsyncIterator[tuple[int, Iterable[dict[str, Any]]]]
"""The items to print, each with the position reached. An item is made when its turn comes."""


class Form(StrEnum):
    """The form in which a replay is printed."""

    TEXT = "text"
    NDJSON = "ndjson"


async def print_events(
    dsn: str, tenant: TenantName, order: str | None, *, first: Bound | None, last: Bound | None, form: Form
) -> None:
    """Print events of a ledger, or of one order, from one bound to another. Raises TenantNotFound, OrderNotFound."""
    async with open_services(dsn) as services:
        positions = await services.replay.positions(tenant, first, last)
        order_id = None if order is None else await services.time_travel.order_id(tenant, order)

        async def events() -> Items:
            async for page in services.replay.events(tenant, positions, order_id):
                yield page[-1].position, (cloud_event(tenant, event) for event in page)

        await _print(events(), positions, _event_text if form is Form.TEXT else _ndjson)


async def print_orders(
    dsn: str, tenant: TenantName, order: str | None, *, at: datetime, clock: Clock, form: Form
) -> None:
    """Print an order, or all orders of a ledger, as they were at an instant.

    Raises TenantNotFound, OrderNotFound, OrderNotYet.
    """
    render = _order_text if form is Form.TEXT else _ndjson
    async with open_services(dsn) as services:
        positions = await services.replay.positions(tenant, None, at if clock == "recorded" else None)
        if order is not None:
            past = await services.time_travel.at(tenant, order, at, clock)
            sys.stdout.write(render(past_order(past)))
        else:
            await _print(_orders(services, tenant, positions, at, clock), positions, render)


async def _orders(services: Services, tenant: TenantName, positions: range, at: datetime, clock: Clock) -> Items:
    async for position, order_ids in services.replay.orders(tenant, positions):
        found = []
        for order_id in order_ids:
            with suppress(OrderNotYet):
                found.append(past_order(await services.time_travel.at(tenant, order_id, at, clock)))
        yield position, found


async def _print(items: Items, positions: range, render: Callable[[dict[str, Any]], str]) -> None:
    """Print items as they come, and show the progress."""
    with progress(prints_much=True) as begin:
        show = begin("replay")
        async for position, page in items:
            sys.stdout.writelines(map(render, page))
            show(position - positions.start + 1, len(positions))
        show(len(positions), len(positions))


def _ndjson(item: dict[str, Any]) -> str:
    return to_json(item).decode() + "\n"


def _event_text(event: dict[str, Any]) -> str:
    data = to_json(event.get("data", event.get("data_base64"))).decode()
    unreadable = f"  UNREADABLE: {event['unreadable']}" if "unreadable" in event else ""
    return (
        f"{event['position']:>8}  {event['recordedtime']}  {event['subject']} {event['streamversion']}  "
        f"{event['type']}  {data}{unreadable}\n"
    )


def _order_text(order: dict[str, Any]) -> str:
    """Return an order's fields, one a line, below the last event that changed it."""
    fields = dict(order)
    order_id, made_by, unread = fields.pop("order_id"), fields.pop("as_of"), fields.pop("unreadable_events", ())
    if made_by is None:
        lines = [f"{order_id} at version {fields['version']}: none of its events can be read"]
    else:
        recorded_at = to_json(made_by["recorded_at"]).decode().strip('"')
        lines = [f"{order_id} at version {made_by['version']}, position {made_by['position']}, recorded {recorded_at}"]
    lines += [f"  {name:<16}{to_json(value).decode()}" for name, value in fields.items() if name != "version"]
    lines += [
        f"  UNREADABLE at position {e['position']}: {e['type']} {e['event_id']}: {e['unreadable']}" for e in unread
    ]
    return "\n".join(lines) + "\n"
