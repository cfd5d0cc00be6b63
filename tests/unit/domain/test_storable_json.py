"""Free JSON in events: what every reader can hold is taken as it is, and the rest is refused with a reason."""

from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.values import MAX_JSON_DEPTH, raw_json, storable_json

NOW = datetime.now(UTC)
_WORD = st.sampled_from(["a", "NaN", "Infinity", "\\u0000", "é", "[{" * 40])


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _WORD,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORD, inner, max_size=3),
    )
)
def test_json_is_taken_as_it_is(value: Any) -> None:
    assert storable_json(value) is value


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ("\x00", "holds a NUL character"),
        ("\ud800", "holds half of a surrogate pair"),
        (inf, "holds a number that is not finite"),
        (nan, "holds a number that is not finite"),
        (nested(MAX_JSON_DEPTH), "is nested more than 64 levels deep"),
        (nested(500), "is nested more than 64 levels deep"),
    ],
)
def test_what_a_reader_cannot_hold_is_refused_wherever_it_is(held: Any, why: str) -> None:
    for value in ({"a": held}, {"a": [1, {"b": held}]}):
        with pytest.raises(ValueError, match=why):
            storable_json(value)
    if isinstance(held, str):
        with pytest.raises(ValueError, match=why):
            storable_json({held: 1})


def test_a_raw_value_may_hold_nul() -> None:
    assert raw_json({"a\x00": ["\x00"]}) == {"a\x00": ["\x00"]}
    assert storable_json(nested(MAX_JSON_DEPTH)) == nested(MAX_JSON_DEPTH)
    assert storable_json({"at": NOW, "other": object}) == {"at": NOW, "other": object}
