"""Descriptions of services are encrypted wherever views hold them, and opened when they are read."""

import json
from typing import Any

import pytest

from application.views.projections.action_log import ACTION_LOG
from application.views.projections.entries import Entry
from application.views.projections.order_state import ORDER_STATE
from application.views.projections.service_events import SERVICE_EVENTS
from application.views.row_opener import opened_rows
from tests.builders import (
    ACME,
    ORDER,
    a_created_event,
    a_moment,
    a_service_event,
    an_event,
)
from tests.unit.views.fix_told_rows import STREAM, Told


async def test_a_description_is_encrypted_wherever_views_hold_it_and_opened_when_it_is_read(told: Told) -> None:
    told_first = a_service_event("pending", "carrier", description="for Grace", metadata={"to": "Grace"}, event_id="e1")
    newest = a_service_event("success", "carrier", description="signed by Grace", event_id="e2")
    await told.tell(a_created_event(), told_first, newest, a_service_event(service="wms"))

    reports, [order] = await told.rows(SERVICE_EVENTS), await told.rows(ORDER_STATE)
    opened = await opened_rows(told.vault, ACME, reports)

    assert "Grace" not in repr(reports)
    assert b"Grace" not in order.detail
    assert [row.description for row in opened] == ["for Grace", "signed by Grace", None]
    services = (await told.order())["services"]
    assert (services["carrier"]["description"], services["wms"]["description"]) == ("signed by Grace", None)


async def test_a_description_goes_with_the_order(told: Told) -> None:
    await told.tell(a_created_event(), a_service_event(description="signed by Grace", event_id="e1"))
    rows = await told.rows(SERVICE_EVENTS)

    await told.forget(STREAM)

    [row] = await opened_rows(told.vault, ACME, rows)
    assert (row.description, row.metadata) == ("[redacted]", None)
    assert (await told.order())["services"]["wms"]["description"] == "[redacted]"


async def test_a_late_report_leaves_the_description_of_the_newest_bound_to_its_event(told: Told) -> None:
    at_noon = a_service_event(description="at noon", event_id="e1", timestamp=a_moment(0))
    before = a_service_event(description="before", event_id="e2", timestamp=a_moment(-60))
    await told.tell(at_noon)
    [present] = await told.rows(ORDER_STATE)
    await told.tell(before)
    entries = [Entry(event) for event in await told.store.read_ledger(ACME)]

    [row] = ORDER_STATE.rows(entries[1:], {ORDER: present})
    [opened] = await opened_rows(told.vault, ACME, [row])

    assert json.loads(opened.detail)["services"]["wms"]["description"] == "at noon"
    assert row == (await told.rows(ORDER_STATE))[0]


async def test_what_looks_like_something_encrypted_is_shown_as_it_was_told(told: Told) -> None:
    text = "enc:v1:AAAAAAAA:nothing"
    await told.tell(a_created_event(), a_service_event(description=text), an_event(status="x", reason=text))

    [row] = await opened_rows(told.vault, ACME, await told.rows(SERVICE_EVENTS))
    actions = await opened_rows(told.vault, ACME, await told.rows(ACTION_LOG))

    assert row.description == (await told.order())["services"]["wms"]["description"] == text
    assert json.loads(actions[-1].data)["reason"] == text


async def test_a_description_whose_key_is_damaged_is_unreadable_and_says_of_which_service(told: Told) -> None:
    await told.tell(a_created_event(), a_service_event(service="wms", description="for Grace", event_id="e1"))
    rows = await told.rows(SERVICE_EVENTS)

    told.keys.damage(ACME, STREAM)

    [row] = await opened_rows(told.vault, ACME, rows)
    order = await told.order()
    assert row.description == order["services"]["wms"]["description"] == "[unreadable]"
    assert order["unreadable"].split("; ") == [
        f"customer.id, customer.name: the key of {STREAM} is damaged",
        f"services.wms.description: the key of {STREAM} is damaged",
    ]


@pytest.mark.parametrize("sealed_in", ["another", None, 7])
async def test_a_description_that_is_not_known_to_be_of_an_event_opens_in_none(told: Told, sealed_in: Any) -> None:
    await told.tell(a_service_event(description="for Grace", event_id="e1"))
    [row], [report] = await told.rows(ORDER_STATE), await told.rows(SERVICE_EVENTS)
    detail = json.loads(row.detail)
    detail["services"]["wms"]["sealed_in"] = sealed_in

    [order] = await opened_rows(told.vault, ACME, [row._replace(detail=json.dumps(detail).encode())])
    [shown] = await opened_rows(told.vault, ACME, [report._replace(sealed_in=sealed_in)])

    assert json.loads(order.detail)["services"]["wms"]["description"] == shown.description == "[unreadable]"


@pytest.mark.parametrize("services", [[], {"wms": "success"}, {"wms": {"state": "success"}}])
async def test_services_that_are_none_keep_the_customer_from_nobody(told: Told, services: Any) -> None:
    await told.tell(a_created_event(), a_service_event(description="for Grace", event_id="e1"))
    [row] = await told.rows(ORDER_STATE)
    detail = {**json.loads(row.detail), "services": services}

    [order] = await opened_rows(told.vault, ACME, [row._replace(detail=json.dumps(detail).encode())])

    shown = json.loads(order.detail)
    assert (shown["customer"]["name"], shown["services"]) == ("Grace", services)
