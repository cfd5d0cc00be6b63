"""Views hold what is encrypted as the ledger has it; it is opened when rows are read, for as long as it may be."""

import json
from typing import Any

import pytest

from application.ledger.codec import decode, encode
from application.ledger.port import ANY, Append, RecordedEvent, Write
from application.privacy.preparation import prepare
from application.views.projections.action_log import ACTION_LOG
from application.views.projections.catalogue import PROJECTIONS, VIEWS
from application.views.projections.entries import Entry
from application.views.projections.order_state import ORDER_STATE
from application.views.projections.service_events import SERVICE_EVENTS
from application.views.projections.view import SealedRow, View
from application.views.row_opener import opened_rows
from application.views.search import joined
from application.views.upkeep.customers import reveal_with
from domain.events.catalogue import CATALOGUE
from domain.events.lifecycle import CommentAdded, Redacted, Transferred
from domain.personal import Shape, shape_of
from domain.streams import person_stream
from tests.builders import (
    ACME,
    ORDER,
    a_created_event,
    a_customer,
    a_ledger,
    a_service_event,
    an_actor,
    an_event,
)
from tests.samples import one_of_each
from tests.unit.views.fix_told_rows import STREAM, Told

SECRETS = ("Grace", "c1", "Ada", "555-0199")
COMMENT = an_event(CommentAdded, text="call 555-0199", event_id="e1", actor=an_actor())


async def test_an_action_is_encrypted_in_its_row_and_opened_when_it_is_read(told: Told) -> None:
    await told.tell(COMMENT)

    rows = await told.rows(ACTION_LOG)
    [opened] = await opened_rows(told.vault, ACME, rows)

    assert not [secret for secret in SECRETS if secret in repr(rows)]
    assert (opened.data, opened.actor_name) == (encode(COMMENT).data, "Ada")


async def test_an_action_shows_what_is_not_forgotten(told: Told) -> None:
    await told.tell(COMMENT)
    rows = await told.rows(ACTION_LOG)

    await told.forget(STREAM)
    [without_order] = await opened_rows(told.vault, ACME, rows)
    await told.forget(person_stream("u1"))
    [without_both] = await opened_rows(told.vault, ACME, rows)

    assert (without_order.action.text, without_order.actor_name) == ("[redacted]", "Ada")
    assert without_both.actor_name == "[redacted]"


async def test_a_customers_own_name_goes_with_the_order(told: Told) -> None:
    await told.tell(an_event(CommentAdded, text="hello", actor=an_actor(type="Customer")))
    rows = await told.rows(ACTION_LOG)

    [shown] = await opened_rows(told.vault, ACME, rows)
    await told.forget(STREAM)
    [redacted] = await opened_rows(told.vault, ACME, rows)

    assert "Ada" not in repr(rows)
    assert (shown.actor_name, redacted.actor_name) == ("Ada", "[redacted]")


async def test_a_report_is_encrypted_in_its_row_and_opened_when_it_is_read(told: Told) -> None:
    await told.tell(a_service_event(metadata={"mail": "555-0199"}), a_service_event(), a_service_event(metadata={}))

    rows = await told.rows(SERVICE_EVENTS)
    opened = await opened_rows(told.vault, ACME, rows)
    await told.forget(STREAM)
    redacted = await opened_rows(told.vault, ACME, rows)

    assert "555-0199" not in repr(rows)
    assert [row.metadata for row in opened] == [b'{"mail":"555-0199"}', None, b"{}"]
    assert [row.metadata for row in redacted] == [b'{"redacted":"[redacted]"}', None, b"{}"]


async def test_an_order_is_found_by_its_customer_whom_its_state_has_encrypted(told: Told) -> None:
    await told.tell(a_created_event())

    [row] = await told.rows(ORDER_STATE)

    assert row.search == joined([ORDER, "c1", "grace"])
    assert b"Grace" not in row.detail
    assert (await told.order())["customer"] == {"id": "c1", "name": "Grace"}


async def test_a_transferred_order_has_its_new_customer(told: Told) -> None:
    new = a_customer(id="c2", name="Bob " * 60)
    await told.tell(a_created_event(), an_event(Transferred, original_customer=a_customer(), new_customer=new), COMMENT)

    [row] = await told.rows(ORDER_STATE)

    assert row.search == joined([ORDER, "c2", new.name])
    assert (await told.order())["customer"] == new.model_dump()


async def test_a_row_keeps_what_it_is_found_by_when_other_events_follow(told: Told) -> None:
    await told.tell(a_created_event(reference="R-1"))
    [first] = await told.rows(ORDER_STATE)
    later = Entry((await told.store.read_ledger(ACME))[0]._replace(type="order.archived", data=b"{}"))

    [row] = ORDER_STATE.rows([later], {ORDER: first})

    assert (row.search, row.customer_from) == (joined([ORDER, "r-1", "c1", "grace"]), first.customer_from)


async def test_a_redacted_order_is_not_found_by_its_customer_however_it_is_rebuilt(told: Told) -> None:
    await told.tell(a_created_event(), an_event(Redacted))
    before = await told.rows(ORDER_STATE)

    await told.forget(STREAM)

    assert await told.rows(ORDER_STATE) == before
    assert (before[0].search, before[0].customer_from) == (ORDER, None)
    assert (await told.order())["customer"] is None


async def test_a_forgotten_customer_is_not_found_even_before_the_redaction_is_read(told: Told) -> None:
    await told.tell(a_created_event())
    await told.forget(STREAM)

    [row] = await told.rows(ORDER_STATE)

    assert row.search == ORDER
    assert (await told.order())["customer"] == {"id": "[redacted]", "name": "[redacted]"}


async def test_a_customer_whose_name_looks_like_an_erased_or_an_encrypted_one_is_found_by_it(told: Told) -> None:
    await told.tell(a_created_event(customer=a_customer(id="[redacted]", name="enc:v1:AAAAAAAA:Ann")))

    [row] = await told.rows(ORDER_STATE)

    assert row.search == joined([ORDER, "[redacted]", "enc:v1:aaaaaaaa:ann"])


async def test_what_somebody_changed_in_the_ledger_keeps_no_other_order_from_being_found(told: Told) -> None:
    await told.tell(a_created_event())
    [event] = await told.store.read_ledger(ACME)
    changed = event._replace(event_id="another", position=2, stream="order-2")
    entries = [Entry(changed), Entry(event)]
    await told.keys.to_write(ACME, ["order-2"])
    told.keys.keys[ACME, "order-2"] = told.keys.keys[ACME, STREAM]

    await reveal_with(told.vault)(ACME, entries)

    assert [row.search for row in ORDER_STATE.rows(entries, {})] == ["2", joined([ORDER, "c1", "grace"])]


async def test_rows_from_before_there_was_encryption_are_shown_until_they_are_forgotten(told: Told) -> None:
    entries = [Entry(event) for event in a_ledger(a_created_event(), COMMENT, a_service_event(metadata={"a": 1}))]

    async def shown() -> str:
        actions = await opened_rows(told.vault, ACME, ACTION_LOG.rows(entries, {}))
        reports = await opened_rows(told.vault, ACME, SERVICE_EVENTS.rows(entries, {}))
        return repr((actions, reports, await opened_rows(told.vault, ACME, ORDER_STATE.rows(entries, {}))))

    before = await shown()
    assert all(secret in before for secret in SECRETS)
    await told.forget(STREAM, person_stream("u1"))
    orders = await opened_rows(told.vault, ACME, ORDER_STATE.rows(entries, {}))
    assert "555-0199" not in await shown()
    assert b"Grace" not in orders[0].detail


@pytest.mark.parametrize("recorded", one_of_each(), ids=lambda recorded: recorded.type)
async def test_every_type_of_event_keeps_all_that_is_not_personal(told: Told, recorded: RecordedEvent) -> None:
    new = encode(decode(recorded))

    append = Append(ACME, (Write(recorded.stream, ANY, (new,)),))
    [[sealed]] = prepare([await told.vault.with_keys(append)])
    stored = recorded._replace(data=sealed.data, metadata=sealed.metadata)
    shown = await told.vault.opened(ACME, [stored])

    assert [(event.data, event.metadata) for event in shown] == [(new.data, new.metadata)]
    assert {name for name in json.loads(stored.data) if "enc:v1:" in json.dumps(json.loads(stored.data)[name])} == (
        PERSONAL.get(recorded.type, set())
    )
    assert type(decode(stored)) is type(decode(recorded))


def encrypted_in(row: Any) -> set[str]:
    """Return the columns of a row in which something is encrypted."""
    return {name for name, value in row._asdict().items() if "enc:v1:" in repr(value)}


ENCRYPTED = {view.name: {column.name for column in view.columns if column.is_encrypted} for view in VIEWS}
PERSONAL = {topic: set(shape_of(event_class)) for topic, event_class in CATALOGUE.items() if shape_of(event_class)}


def with_secrets(event: dict[str, Any], shape: Shape, secret: str) -> dict[str, Any]:
    """Return an event's data with something secret in every place that is for personal data."""
    filled = {**event}
    for name, member in shape.items():
        if member.mark is not None:
            filled[name] = {secret: secret} if member.is_object else secret
        else:
            filled[name] = with_secrets(filled.get(name, {}), member.inner, secret)
    return filled


@pytest.mark.parametrize("topic", sorted(PERSONAL))
async def test_no_view_holds_what_is_personal_as_it_was_told(told: Told, topic: str) -> None:
    recorded = next(recorded for recorded in one_of_each() if recorded.type == topic)
    data = with_secrets(json.loads(recorded.data), shape_of(CATALOGUE[topic]), "s3cret")
    event = decode(recorded._replace(data=json.dumps(data).encode()))
    append = Append(ACME, (Write(recorded.stream, ANY, (encode(event),)),))
    [[sealed]] = prepare([await told.vault.with_keys(append)])
    assert b"s3cret" not in sealed.data

    for projection in PROJECTIONS:
        entries = [Entry(recorded._replace(data=sealed.data, metadata=sealed.metadata, event_id=sealed.event_id))]
        for row in projection.rows(entries, {}):
            assert "s3cret" not in repr(row), projection.name
            assert encrypted_in(row) <= ENCRYPTED[projection.name]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_with_encrypted_columns_says_how_its_rows_are_opened(view: View[Any]) -> None:
    assert view.is_encrypted == hasattr(view.row, SealedRow.opening.__name__)


@pytest.mark.parametrize(("imported", "shown"), [(0, "[unreadable]"), (1, "[redacted]")])
async def test_an_order_whose_key_is_missing_is_unreadable_unless_its_key_stayed_where_it_was_imported_from(
    told: Told, imported: int, shown: str
) -> None:
    await told.tell(a_created_event(), a_service_event(description="for Grace", event_id="e1"))
    del told.keys.keys[ACME, STREAM]
    told.keys.imported_upto = imported

    order = await told.order()

    assert (order["customer"]["name"], order["services"]["wms"]["description"]) == (shown, shown)
    assert ("unreadable" in order) == (imported == 0)
