"""Sendcloud's cursors: ledger positions as date-times, whatever a client makes of these."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.sendcloud.cursors import Cursor, InvalidCursor, Rel, cursor_of

RELS = st.sampled_from(["next", "prev"])
POSITIONS = st.integers(1, 10**9) | st.integers(1, 9 * 10**15)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(RELS, POSITIONS, OFFSETS, st.booleans())
def test_a_place_comes_back_from_whatever_spelling(rel: Rel, position: int, offset: timezone, is_bare: bool) -> None:
    moment = datetime.fromisoformat(str(Cursor(rel, position)))
    spelt = moment.replace(tzinfo=None).isoformat() if is_bare else moment.astimezone(offset).isoformat()

    assert cursor_of(spelt) == Cursor(rel, position)


@given(RELS, st.integers(1, 9 * 10**9))
def test_a_place_needs_no_fractions_of_a_second(rel: Rel, position: int) -> None:
    assert "." not in str(Cursor(rel, position))


def test_a_place_is_a_date_time_that_stands_in_a_url_as_it_is() -> None:
    assert str(Cursor("next", 7)) == "4000-01-01T00:00:07Z"
    assert str(Cursor("prev", 86_400)) == "1602-01-02T00:00:00Z"
    assert str(Cursor("prev", 288 * 365 * 86_400 + 70 * 86_400 + 5)) == "1602-01-01T00:00:05.000001Z"


@given(st.datetimes(datetime(1890, 1, 1), datetime(3999, 12, 31, 23), timezones=st.just(UTC)))
def test_another_date_time_is_what_entries_were_created_before(moment: datetime) -> None:
    assert cursor_of(moment.isoformat()) == Cursor(created_before=moment)


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        (None, Cursor()),
        ("", Cursor()),
        ("2023-03-01T02:02:00", Cursor(created_before=datetime(2023, 3, 1, 2, 2, tzinfo=UTC))),
        ("2023-03-01T02:02:00 01:00", Cursor(created_before=datetime(2023, 3, 1, 1, 2, tzinfo=UTC))),
        ("9998-01-01T00:00:00Z", Cursor(created_before=datetime(9998, 1, 1, tzinfo=UTC))),
        ("1601-01-01T00:00:00Z", Cursor(created_before=datetime(1601, 1, 1, tzinfo=UTC))),
    ],
)
def test_what_a_cursor_stands_for(text: str | None, cursor: Cursor) -> None:
    assert cursor_of(text) == cursor


@pytest.mark.parametrize("text", ["5000-01-01T00:00:00Z", "8999-12-31T23:59:59.999999Z"])
def test_a_year_far_ahead_has_all_logs_before_it(text: str) -> None:
    cursor = cursor_of(text)

    assert (cursor.rel, cursor.created_before) == ("next", None)
    assert 10**10 < (cursor.position or 0) < 2**63


@pytest.mark.parametrize("text", ["1753-01-01T00:00:00Z", "1800-01-01T00:00:00Z"])
def test_a_year_long_ago_has_none_before_it(text: str) -> None:
    cursor = cursor_of(text)

    assert (cursor.rel, cursor.created_before) == ("prev", None)
    assert (cursor.position or 0) > 10**9


def test_a_place_keeps_what_its_entries_were_created_before() -> None:
    before = datetime(2023, 3, 1, 1, 2, tzinfo=UTC)

    assert cursor_of(str(Cursor("next", 7)), "2023-03-01T01:02:00Z") == Cursor("next", 7, before)
    assert cursor_of(None, "2023-03-01T01:02:00Z") == Cursor(created_before=before)
    assert cursor_of("2022-01-01T00:00:00Z", "2023-03-01T01:02:00Z").created_before == datetime(2022, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("text", "before"), [("x", None), ("bmV4dDo5Og", None), (None, "x"), ("4000-01-01", None)])
def test_what_is_no_date_time_is_no_cursor(text: str | None, before: str | None) -> None:
    with pytest.raises(InvalidCursor):
        cursor_of(text, before)
