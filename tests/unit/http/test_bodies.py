"""JSON that would take much memory is refused before it is made; what is in strings does not count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from api.http.problems import TooLarge
from api.http.reading import bodies
from api.http.reading.bodies import MAX_VALUES, json_of, jsons_of

SIZE = 16 * 2**20
TOO_MANY = {
    "empty lists": b"[" + b"[]," * (SIZE // 3) + b"0]",
    "empty objects": b"[" + b"{}," * (SIZE // 3) + b"0]",
    "objects": b"[" + b'{"":0},' * (SIZE // 7) + b"0]",
    "numbers": b"[" + b"1," * (SIZE // 2) + b"0]",
    "texts": b"[" + b'"",' * (SIZE // 3) + b"0]",
    "lists in lists": b"[" + b"[[[]]]," * (SIZE // 7) + b"0]",
    "members": b'{"a":' + b'0,"a":' * (SIZE // 6) + b"0}",
    "after a text that seems to go on": b'["\\\\",' + b"[]," * MAX_VALUES + b"0]",
    "no JSON at the end": b"[" + b"[]," * MAX_VALUES + b'\\"',
}
TEXTS = {
    "commas": '"' + "," * SIZE,
    "what looks like JSON": '{"a": [1, 2, {"b": []}]}' * (SIZE // 100),
    "quotes": '"' * 100_000 + "\\" * 100_000 + ",[{" * 200_000,
}


@pytest.mark.parametrize("body", TOO_MANY.values(), ids=TOO_MANY)
def test_a_body_of_too_many_values_is_too_large(body: bytes) -> None:
    with pytest.raises(TooLarge, match="200,000 values"):
        json_of(body)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_may_hold_anything(text: str) -> None:
    assert json_of(to_json({"text": text})) == {"text": text}


def test_as_many_values_as_there_may_be_are_taken() -> None:
    values: list[list[None]] = [[]] * (MAX_VALUES - 1)

    assert json_of(to_json(values)) == values
    with pytest.raises(TooLarge):
        json_of(to_json([*values, []]))


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_nested_too_deep_is_no_json(body: bytes) -> None:
    with pytest.raises(ValueError, match="recursion limit"):
        json_of(body)


_TEXT = st.text(alphabet=st.sampled_from(',[]{}:"\\ a\n'))
_JSON = st.recursive(
    st.none() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
)


def _count(value: object) -> int:
    match value:
        case list():
            return 1 + sum(map(_count, value))
        case dict():
            return 1 + sum(map(_count, value.values()))
        case _:
            return 1


@given(_JSON)
def test_values_are_counted_whatever_is_in_their_texts(value: object) -> None:
    assert bodies._values(to_json(value, indent=1)) == _count(value)


def test_of_bodies_that_are_read_together_each_has_its_value_or_its_error() -> None:
    bodies_ = [
        b'{"a": 1}',
        b"\xef\xbb\xbf[]",
        b'{"a": 1, "a": 1}',
        b"{",
        b"1e400",
        b'"Infinity"',
        TOO_MANY["numbers"],
        b"0",
    ]

    first, marked, twice, broken, infinite, text, large, last = jsons_of(bodies_)

    assert (first, marked, text, last) == ({"a": 1}, [], "Infinity", 0)
    assert [type(error).__name__ for error in (twice, broken, infinite, large)] == [
        "DuplicateMember", "ValueError", "ValueError", "TooLarge",
    ]  # fmt: skip
    assert jsons_of([b"1", b"[2]"]) == [1, [2]]
    assert jsons_of([]) == []
