"""JSON that two readers would read differently is no JSON here, wherever in it that is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from application.runtime.strict_json import MAX_NAME, DuplicateMember, from_strict_json, from_strict_jsons

TWICE = {
    "at the top": b'{"a": 1, "a": 1}',
    "within": b'[0, {"b": {"a": 1, "c": [], "a": 2}}]',
    "not one after the other": b'{"a": {"x": 1}, "b": 2, "a": {"y": 1}}',
    "written in two ways": rb'{"a": 1, "\u0061": 2}',
    "with colons in a text": b'{"a": "::", "a": 2}',
    "with a text that is lost": b'{"a": ":", "a" : ":"}',
    "with quotes in texts": rb'{"a": "\":\\", "b\"": "\\", "a": ":"}',
    "with blanks before colons": b'{"a"\t:1, "a"\n:"2:", "b"\r: ":", "a" :1}',
    "with a colon that is escaped": rb'{"a": 1, "a": "\u003A"}',
    "with an empty name": b'{"":{}, "":{}}',
}
ONCE = {
    "the same name in two objects": b'[{"a": 1}, {"a": {"a": 1}}]',
    "what looks like it in a text": rb'{"a": "{\"a\": 1, \"a\": 2}"}',
    "names that differ in case": b'{"a": 1, "A": 2}',
    "a text that ends with a backslash": rb'{"a:": "\\", ":b": "\\\":"}',
    "no object": b'"a:b"',
}


@pytest.mark.parametrize("text", TWICE.values(), ids=TWICE)
def test_a_member_that_an_object_has_twice_is_refused(text: bytes) -> None:
    with pytest.raises(DuplicateMember):
        from_strict_json(text)


@pytest.mark.parametrize("text", ONCE.values(), ids=ONCE)
def test_what_every_reader_reads_alike_is_taken(text: bytes) -> None:
    assert from_strict_json(text) == json.loads(text)


def test_the_member_is_named_as_far_as_that_is_short() -> None:
    with pytest.raises(DuplicateMember, match="'cents' twice"):
        from_strict_json(b'{"x": {"cents": 1, "cents": 2}}')
    with pytest.raises(DuplicateMember) as long:
        from_strict_json(b'{"%b": 1, "%b": 2}' % (b"a" * 10_000, b"a" * 10_000))
    assert len(str(long.value)) < MAX_NAME + 50


@pytest.mark.parametrize("number", [b"1e400", b"-1e999", b"NaN", b"Infinity", b"9" * 400 + b".0"])
def test_a_number_that_is_not_finite_is_refused(number: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_strict_json(b'{"a": [%b]}' % number)


_NAME = st.text(alphabet=st.sampled_from('a:"\\'), max_size=2)


@given(
    st.recursive(
        st.integers() | _NAME,
        lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(_NAME, inner), max_size=3).map(tuple),
    )
)
def test_it_is_found_wherever_it_is(value: Any) -> None:
    text, is_twice = _written(value)

    if is_twice:
        with pytest.raises(DuplicateMember):
            from_strict_json(text)
    else:
        assert from_strict_json(text) == json.loads(text)


_STRANGE = [*TWICE.values(), *ONCE.values(), b"1e400", b"NaN", b"{", b"", rb'"\ud800"', b'"Infinity"', b'{"a": 1}']


@given(st.lists(st.sampled_from(_STRANGE), max_size=6))
def test_texts_that_are_read_together_are_read_as_each_alone(texts: list[bytes]) -> None:
    try:
        alone = [from_strict_json(text) for text in texts]
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            from_strict_jsons(texts)
    else:
        assert from_strict_jsons(texts) == alone


def _written(value: Any) -> tuple[bytes, bool]:
    """Return JSON of a value whose objects are tuples of members, and whether an object has a member twice."""
    match value:
        case list():
            items = [_written(item) for item in value]
            return b"[" + b", ".join(text for text, _ in items) + b"]", any(twice for _, twice in items)
        case tuple():
            members = [(to_json(name) + b" : ", *_written(item)) for name, item in value]
            is_twice = len(dict(value)) < len(value) or any(twice for *_, twice in members)
            return b"{" + b",".join(name + text for name, text, _ in members) + b"}", is_twice
        case _:
            return to_json(value), False
