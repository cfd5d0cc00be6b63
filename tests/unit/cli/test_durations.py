"""Options that say how long something lasts, or until when it is good."""

from datetime import UTC, datetime, timedelta

import pytest

from api.cli.terminal.durations import MAX_DAYS, InvalidOption, duration, expiry

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("90s", 90), ("45m", 2_700), ("24h", 86_400), ("30d", 2_592_000), ("2w", 1_209_600)],
)
def test_a_duration_is_a_number_with_its_unit(text: str, seconds: int) -> None:
    assert duration("--keep", text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "d", "-1d", "1.5h", "1y", "1 d", "1D", "30d ", "1h30m", "٣d", "P1D", "1d\n"])
def test_what_is_no_duration_is_refused_with_the_options_name(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"--keep .* is not a duration such as"):
        duration("--keep", text)


@pytest.mark.parametrize("text", [f"{MAX_DAYS + 1}d", "999999999999w", "999999999999s"])
def test_no_duration_is_longer_than_a_century(text: str) -> None:
    with pytest.raises(InvalidOption, match=f"longer than {MAX_DAYS} days"):
        duration("--keep", text)


@pytest.mark.parametrize(
    ("text", "expires_at"),
    [
        ("30d", "2026-03-31T12:00:00+00:00"),
        (f"{MAX_DAYS}d", "2126-02-05T12:00:00+00:00"),
        ("2027-01-31", "2027-01-31T00:00:00+00:00"),
        ("2026-03-01T12:00:01Z", "2026-03-01T12:00:01+00:00"),
        ("2027-01-31t18:00:00.5+01:00", "2027-01-31T17:00:00.500000+00:00"),
    ],
)
def test_a_credential_ends_after_a_duration_at_a_date_or_at_a_time(text: str, expires_at: str) -> None:
    assert expiry("--expires", text, NOW).isoformat() == expires_at


@pytest.mark.parametrize(
    "text", ["0s", "2026-03-01", "2020-01-31", "2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00"]
)
def test_an_end_in_the_past_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="is not in the future"):
        expiry("--expires", text, NOW)


@pytest.mark.parametrize(
    "text", ["", "0", "never", "1700000000", "2027", "2027-02-30", "2027-01-31T18:00:00", "31.1.2027", "9999-12-31"]
)
def test_an_end_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="neither a duration such as 30d, nor a date") as refused:
        expiry("--expires", text, NOW)

    assert "\n" not in str(refused.value)
