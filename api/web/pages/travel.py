"""Time travel: what an order was at each of its versions, and what each event changed."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from api.http.requests import ServicesDep, read
from api.web.pages.asking import AskedDep, OrderName, number
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.security import VisitorDep
from api.web.showing.amounts import is_money
from api.web.showing.entries import shown_event
from api.web.showing.wording import words
from api.web.sign_in import see
from application.access.callers import authorise
from application.views.history import FieldDifference, described
from application.views.order_rows import shown_order

router = APIRouter(prefix="/ui/orders", route_class=PageRoute, include_in_schema=False)

_LEFT_OUT = {"version", "updated_at"}


class Field(NamedTuple):
    """A field of an order, before and after an event."""

    label: str
    before: Any
    after: Any

    @property
    def is_changed(self) -> bool:
        return bool(self.before != self.after)


@router.get("/{order_id}/history")
async def get_history(
    request: Request, order_id: OrderName, visitor: VisitorDep, services: ServicesDep, asked: AskedDep
) -> Response:
    """Show what an order was at a version, beside what it was before."""
    authorise(visitor, "read:orders")
    tenant = visitor.tenant.name
    await read(services, visitor, "order_state")
    newest = await services.queries.find_order(tenant, order_id)
    if newest.order_id != order_id:
        return see(f"/ui/orders/{quote(newest.order_id, safe='')}/history")
    head = shown_order(newest).state.version
    version = number(asked, "version") or head
    now, changes = await services.time_travel.changes(tenant, order_id, after=version - 1, upto=version)
    return page(
        request,
        "travel.html",
        visitor=visitor,
        order_id=order_id,
        version=version,
        head=max(head, version),
        entry=shown_event(now.newest) if now.newest and now.newest.version == version else None,
        unread=[why for event, why in now.unread if event.version == version],
        fields=list(_within((), _before(described(now.state), changes), described(now.state))),
        is_changed=any(change.path[-1] not in _LEFT_OUT for change in changes),
    )


def _before(state: dict[str, Any], changes: Sequence[FieldDifference]) -> dict[str, Any]:
    """Return a state without these changes, so that an order's events need to be folded once only."""
    for change in changes:
        place = state
        for name in change.path[:-1]:
            place = place[name]
        place[change.path[-1]] = change.before
    return state


def _within(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Field]:
    if any(isinstance(value, dict) and not is_money(value) for value in (before, after)):
        first, second = before or {}, after or {}
        for name in {**first, **second}:
            if path == ("services",):
                yield Field(f"Service · {words(name)}", _report(first.get(name)), _report(second.get(name)))
            elif name not in _LEFT_OUT:
                yield from _within((*path, name), first.get(name), second.get(name))
    elif not (_is_empty(before) and _is_empty(after)):
        yield Field(_label(path), before, after)


def _report(report: Any) -> Any:
    """Return a service's report in one line."""
    if not isinstance(report, dict):
        return report
    told = (words(str(report.get("status") or "")), report.get("description"))
    return " – ".join(str(each) for each in told if each)


def _is_empty(value: Any) -> bool:
    return value in (None, "", [], False)


def _label(path: tuple[str, ...]) -> str:
    return " · ".join(words(name) for name in path)
