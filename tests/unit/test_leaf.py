"""A leaf is all of an event as it is stored, without ambiguity."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from application.transparency.leaf import leaf_bytes
from domain.values import TenantName
from tests.builders import ACME, a_foreign_event

EVENT = a_foreign_event(
    position=17,
    stream="order-ä",
    version=3,
    event_id="e1",
    data=b"{}",
    metadata=b"\x00",
    occurred_at=datetime(2, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    recorded_at=datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
)


def test_a_leaf_is_its_version_and_ten_fields_with_their_lengths() -> None:
    fields = [
        b"acme",
        b"17",
        "order-ä".encode(),
        b"3",
        b"e1",
        b"library.book_lent",
        b"0002-01-01T00:00:00.000000Z",
        b"2026-03-01T12:00:00.000005Z",
        b"{}",
        b"\x00",
    ]
    expected = b"ordertrail event v1\n" + b"".join(bytes([0] * 7 + [len(field)]) + field for field in fields)

    assert leaf_bytes(ACME, EVENT) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"position": 18},
        {"stream": "order-a"},
        {"version": 4},
        {"event_id": "e2"},
        {"type": "library.book_found"},
        {"data": b"{} "},
        {"metadata": b""},
        {"occurred_at": EVENT.recorded_at},
        {"recorded_at": EVENT.recorded_at + timedelta(microseconds=1)},
    ],
)
def test_whatever_differs_in_an_event_differs_in_its_leaf(changed: dict[str, object]) -> None:
    assert leaf_bytes(ACME, EVENT._replace(**changed)) != leaf_bytes(ACME, EVENT)  # type: ignore[arg-type]


def test_the_same_event_of_another_tenant_is_another_leaf() -> None:
    assert leaf_bytes(TenantName("other"), EVENT) != leaf_bytes(ACME, EVENT)
