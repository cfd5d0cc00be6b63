"""The words the example is told in: each makes the request by which a shop, a carrier or a service would tell it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from api.cli.demo.shop import SERVICES, Person, Product, money_of, totals
from api.cli.maintenance import DEMO_ACCOUNT

Interface = Literal["native", "carriyo", "sendcloud", "dintero"]
Body = dict[str, Any]

DAYS = 10
"""How long the story is; it ends with the day before it is first told."""
LIVE = timedelta(days=DAYS)
"""When steps are told that cannot say when they happened: after all others, so on the day they are sent."""


class Step(NamedTuple):
    """One request; body makes its body for the moment it tells of, {order} in path is filled in by of_order."""

    when: timedelta
    """Since the midnight the story begins at."""
    interface: Interface
    path: str
    body: Callable[[datetime], Body]
    method: str = "POST"


def of_order(order_id: str, *steps: Step) -> list[Step]:
    """Return the steps as those of one order."""
    return [step._replace(path=step.path.format(order=order_id)) for step in steps]


def moment(text: str) -> timedelta:
    """Return a time of the story: "2 09:30" is half past nine on its second day, "2 09:30:05" five seconds later."""
    day, clock = text.split()
    hours, minutes, *seconds = map(int, clock.split(":"))
    return timedelta(days=int(day) - 1, hours=hours, minutes=minutes, seconds=sum(seconds))


def iso(at: datetime) -> str:
    """Return a moment in milliseconds, as JSON carries it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def placed(
    when: str, order_id: str, by: Person, *lines: Product, discount: int = 0, reference: str, created_by: str = "shop"
) -> Step:
    """An order is placed."""
    body = {
        "order_id": order_id,
        "reference": reference,
        "created_by": created_by,
        "customer": {"id": by.id, "name": by.name},
        "totals": totals(*lines, discount=discount),
        "actor": by.actor(),
    }
    return _native(when, "", body)


def event(when: str, type_: str, /, by: Person, *, correlation: str | None = None, **data: Any) -> Step:
    """Something happens to an order."""
    body = {"type": f"order.{type_}", "data": data, "actor": by.actor(), "correlation_id": correlation}
    return _native(when, "/{order}/events", body)


def state(
    when: str,
    service: str,
    state_: str,
    status: str,
    description: str,
    /,
    *,
    correlation: str | None = None,
    **metadata: Any,
) -> Step:
    """A service reported its state at a time that has passed, which Dintero's clients cannot say: so natively."""
    return event(
        when,
        "service_event_recorded",
        SERVICES[service],
        correlation=correlation,
        state=state_,
        service=service,
        service_status=status,
        description=description,
        metadata=metadata or None,
    )


def live(service: str, state_: str, status: str, description: str, /, **metadata: Any) -> Step:
    """A service reports its state as Dintero's clients do: now."""
    body: Body = {"state": state_, "service": service, "service_status": status, "description": description}
    if metadata:
        body["metadata"] = metadata
    path = f"/v1/accounts/{DEMO_ACCOUNT}/shopping/orders/{{order}}/events"
    return Step(LIVE, "dintero", path, lambda _: body)


def edited(when: str, by: Person, *lines: Product, discount: int = 0) -> Step:
    """An order's lines change; these are all of them afterwards."""
    return _native(when, "/{order}/edit", {"totals": totals(*lines, discount=discount), "actor": by.actor()})


def split(when: str, by: Person, child_id: str, *lines: Product, discount: int = 0) -> Step:
    """These lines become an order of their own."""
    body = {"order_id": child_id, "totals": totals(*lines, discount=discount), "actor": by.actor()}
    return _native(when, "/{order}/split", body)


def transferred(when: str, by: Person, to: Person) -> Step:
    """An order is handed over to another customer."""
    return _native(when, "/{order}/transfer", {"customer": {"id": to.id, "name": to.name}, "actor": by.actor()})


def registered(when: str, integration_id: int, shop_name: str, shop_url: str, **details: Any) -> Step:
    """An integration becomes known, or is described anew."""
    body = {"shop_name": shop_name, "shop_url": shop_url, **details}
    return Step(moment(when), "native", f"/trail/v1/integrations/{integration_id}", lambda _: body, "PUT")


def recovered(when: str, integration_id: int, description: str) -> Step:
    """An integration's calls succeed again."""
    body = {"type": "integration.recovered", "data": {"description": description}}
    path = f"/trail/v1/integrations/{integration_id}/events"
    return Step(moment(when), "native", path, lambda at: {**body, "occurred_at": iso(at)})


def exception(
    integration_id: int, shop_url: str, when: str, request: str, type_: str, text: str, /, **call: Any
) -> Step:
    """An integration's call to its shop goes wrong; request is like "GET /orders.json"."""
    method, path = request.split()
    body = {
        "base_url": shop_url,
        "full_url": shop_url + path,
        "method": method,
        **call,
        "exception_type": type_,
        "exception": text,
    }
    return Step(
        moment(when),
        "sendcloud",
        f"/api/v3/integrations/{integration_id}/logs",
        lambda at: {**body, "created_at": iso(at)},
    )


def invoice_updated(when: str, by: Person, before: str, since: str, after: str) -> Step:
    """An invoice has another status than it had since that time."""
    age = moment(when) - moment(since)

    def body(at: datetime) -> Body:
        data = {"status": change(before, after), "updated_at": change(iso(at - age), iso(at))}
        return {"type": "order.invoice_status_updated", "data": data, "actor": by.actor(), "occurred_at": iso(at)}

    return Step(moment(when), "native", "/trail/v1/orders/{order}/events", body)


def change(before: Any, after: Any) -> Body:
    """A value before and after."""
    return {"before": before, "after": after}


def euros(*lines: Product) -> str:
    """What products cost together, as shops print it."""
    return str(money_of(*lines)["label"])


def _native(when: str, path: str, body: Body) -> Step:
    return Step(moment(when), "native", f"/trail/v1/orders{path}", lambda at: {**body, "occurred_at": iso(at)})
