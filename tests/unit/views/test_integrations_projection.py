"""The view of integrations: what each is, and since when its calls fail."""

from typing import Any

from application.views.projections.entries import Entry
from application.views.projections.integrations import INTEGRATIONS, IntegrationRow
from domain.events.event import Event
from domain.events.integration import Recovered, Registered
from tests.builders import a_ledger, a_moment, an_event, an_exception


def registered(seconds: float = 0, integration_id: int = 7, **fields: Any) -> Registered:
    return Registered(originator_id=f"integration-{integration_id}", timestamp=a_moment(seconds), **fields)


def recovered(seconds: float = 0) -> Recovered:
    return Recovered(originator_id="integration-7", timestamp=a_moment(seconds))


def failed(seconds: float = 0, integration_id: int = 7) -> Event:
    return an_exception(integration_id, timestamp=a_moment(seconds))


def rows(*events: Event) -> list[IntegrationRow]:
    return list(INTEGRATIONS.rows([Entry(recorded) for recorded in a_ledger(*events)], {}))


def row(*events: Event) -> IntegrationRow:
    [only] = rows(*events)
    return only


def test_an_integration_is_what_it_was_last_registered_as() -> None:
    first = registered(shop_name="A", shop_url="https://a.example", details={"a": None})

    assert row(first, registered(5, shop_name="B")) == IntegrationRow(
        integration_id=7,
        version=2,
        created_at=a_moment(1),
        updated_at=a_moment(6),
        shop_name="B",
        shop_url=None,
        details=b"{}",
        started_failing_at=None,
    )
    assert row(first).details == b'{"a":null}'


def test_it_fails_since_the_earliest_exception_after_it_recovered_whatever_order_they_are_told_in() -> None:
    assert row(failed(3), failed(2), failed(9)).started_failing_at == a_moment(2)
    assert row(failed(3), recovered(4)).started_failing_at is None
    assert row(failed(3), recovered(4), failed(6), failed(5)).started_failing_at == a_moment(5)


def test_what_is_recorded_after_a_recovery_counts_whatever_the_clocks_say() -> None:
    assert row(recovered(10), failed(5)).started_failing_at == a_moment(5)
    assert row(failed(10), recovered(5)).started_failing_at is None


def test_registering_does_not_mend_anything() -> None:
    assert row(failed(1), registered(2)).started_failing_at == a_moment(1)


def test_only_changes_update_it() -> None:
    assert row(registered(), registered(5), failed(6), failed(7), recovered(8), recovered(9)).updated_at == a_moment(9)
    assert row(registered(), registered(5)).updated_at == a_moment(1)
    assert row(failed(), failed(5)).updated_at == a_moment(1)


def test_every_integration_has_its_own_row_and_orders_have_none() -> None:
    found = rows(failed(1, 7), an_event(), registered(2, 8), failed(3, 7))

    assert [(r.integration_id, r.version) for r in found] == [(7, 2), (8, 1)]


def test_it_needs_the_rows_of_the_integrations_whose_events_it_sees() -> None:
    entries = [Entry(recorded) for recorded in a_ledger(failed(1, 7), an_event(), registered(2, 8), failed(3, 7))]

    assert sorted(INTEGRATIONS.needs(entries)) == ["7", "8"]


def test_it_goes_on_from_the_rows_that_are_there() -> None:
    before, after = a_ledger(failed(1), failed(0))
    [present] = INTEGRATIONS.rows([Entry(before)], {})

    [found] = INTEGRATIONS.rows([Entry(after)], {"7": present})

    assert (found.version, found.started_failing_at, found.created_at) == (2, a_moment(0), a_moment(2))
