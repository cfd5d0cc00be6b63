"""Numbers in queries and forms: digits alone, however many, and none beyond the highest."""

import pytest

from api.http.reading.query import number_in


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("7", 7), ("007", 7), ("36500", 36_500), ("0" * 9_000 + "12", 12), ("36501", None), ("", None),
        ("9" * 9_000, None), ("0" * 20 + "9" * 20, None), ("-1", None), ("+1", None), ("1.0", None), ("1_0", None),
        (" 1", None), ("\u0663", None), ("\u00b2", None), ("1e2", None),
    ],
)  # fmt: skip
def test_a_number_is_made_of_digits_and_not_too_high(text: str, number: int | None) -> None:
    assert number_in(text, highest=36_500) == number
