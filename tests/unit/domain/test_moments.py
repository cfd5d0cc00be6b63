"""Points in time: what names one, and what does not."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from api.dialects.sendcloud.times import instant, legible
from domain.values import Moment

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2015-06-30T23:59:60.25z", datetime(2015, 7, 1, 0, 0, 0, 250_000, UTC)),
        ("1990-12-31T15:59:60-08:00", datetime(1991, 1, 1, tzinfo=UTC)),
        ("2017-01-01T05:29:60+05:30", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_leap_second_is_the_second_after_it(written: str, moment: datetime) -> None:
    assert MOMENT.validate_python(written) == moment
    assert instant(written) == moment


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T02:02Z",
        "2026-03-01T02:02:00+0100",
        "2026-03-01T02:02:00+01",
        "2026-03-01T02:02:00,5Z",
        "2026-03-01T02:02:00.Z",
        "2026-03-01T02:02:00Z ",
        "20260301T020200Z",
    ],
)
def test_a_form_of_iso_8601_that_rfc_3339_does_not_have_is_refused(written: str) -> None:
    for read in (MOMENT.validate_python, instant):
        with pytest.raises(ValueError, match="RFC 3339"):
            read(written)


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T12:30:60Z",
        "2026-03-01T23:59:60Z",
        "2026-03-31T23:59:60Z",
        "2026-12-30T23:59:60Z",
        "2026-12-31T23:59:60+01:00",
        "2026-12-31T22:59:60Z",
        "2026-12-31T23:59:61Z",
        "2026-12-31T24:59:60Z",
        "2026-12-32T23:59:60Z",
        "0001-12-31T23:59:60Z",
        "9998-12-31T23:59:60Z",
        "9999-12-31T23:59:60Z",
        "0001-01-01T00:59:60+14:00",
    ],
)
def test_a_second_60_at_another_time_is_none(written: str) -> None:
    for read in (MOMENT.validate_python, instant):
        with pytest.raises(ValueError):  # noqa: PT011 each says it in its own words
            read(written)


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01T00:00:00+14:00",
        "0002-01-01T00:00:00+23:59",
        "0001-12-31T23:59:59Z",
        "0001-12-31T23:59:59-23:59",
        "9998-12-31T23:59:59-00:01",
        "9999-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_time_that_nobody_could_read_in_every_zone_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not within the years 2 to 9998"):
        MOMENT.validate_python(written)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_a_time_that_is_taken_is_taken_again_as_it_came_out(moment: datetime, minutes: int) -> None:
    try:
        taken = MOMENT.validate_python(moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat())
    except ValueError:
        return

    assert MOMENT.validate_python(taken.isoformat()) == MOMENT.validate_python(taken) == taken


OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.sampled_from([(6, 30), (12, 31)]), st.integers(3, 9997), OFFSETS)
def test_a_leap_second_is_known_in_every_offset(day: tuple[int, int], year: int, offset: timezone) -> None:
    before = datetime(year, *day, 23, 59, 59, tzinfo=UTC)
    written = before.astimezone(offset).isoformat()

    moment = MOMENT.validate_python(f"{written[:17]}60{written[19:]}")

    assert moment == before + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("written", "is_legible"),
    [
        ("2023-03-01T02:02:00+01:00", True),
        ("2023-03-01t02:02:00.123456789z", True),
        ("2023-03-01 02:02:00Z", False),
        ("2016-12-31T23:59:60Z", False),
        ("2016-12-31T23:59:59.60Z", True),
        ("2023-03-01T02:60:60Z", False),
    ],
)
def test_what_not_every_reader_can_read_is_not_shown_as_it_was_written(written: str, is_legible: bool) -> None:
    assert legible(written) == (written if is_legible else None)


def test_what_was_not_written_is_not_shown() -> None:
    assert legible(None) is None
