"""A leaf is all of an event as it is stored, without ambiguity."""

import struct
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


def test_a_leaf_is_a_header_with_lengths_two_times_and_the_bytes_as_they_are() -> None:
    header = "ordertrail event v1\n4 8 2 17 2 1\nacme\n17\norder-ä\n3\ne1\nlibrary.book_lent\n"
    microseconds = ((datetime(2026, 3, 1, 12) - datetime(2000, 1, 1)).days * 86_400 + 43_200) * 1_000_000 + 5
    year_2 = -(datetime(2000, 1, 1) - datetime(2, 1, 1)).days * 86_400 * 1_000_000
    times = struct.pack(">qq", year_2, microseconds)

    assert leaf_bytes(ACME, EVENT) == header.encode() + times + b"{}" + b"\x00"


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
