"""JSON as every reader reads it: no member of an object twice, finite numbers, whole characters."""

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from pydantic_core import from_json, to_json

MAX_NAME = 255
"""How many characters are told of a member's name: whoever sends it may make it as long as the text."""
_ALL_BUT_QUOTES_AND_COLONS = bytes(byte for byte in range(256) if byte not in b'":')


class DuplicateMember(ValueError):
    """An object has a member twice: some readers take the first, others the last."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"an object has the member {name[:MAX_NAME]!r} twice")


def from_strict_json(text: bytes | bytearray) -> Any:
    """Return the value of JSON. Raises ValueError; DuplicateMember if an object has a member twice."""
    value = from_json(text, allow_inf_nan=False)
    again = to_json(value, inf_nan_mode="constants")
    if b"Infinity" in again:
        _require_finite(value)
    # Each member has a colon. If the text has as many as its value when it is written again, no member was lost, unless
    # a colon of the text is escaped.
    if text.count(b":") == again.count(b":") and b"\\u003" not in text:
        return value
    if _colons_outside_texts(text) != _colons_outside_texts(again):
        raise DuplicateMember(_first_duplicate(text))
    return value


def from_strict_jsons(texts: Sequence[bytes]) -> list[Any]:
    """Return the values of several small texts, which takes less time than one by one.

    Raises ValueError if from_strict_json raises it for any of them.
    """
    values = [from_json(text, allow_inf_nan=False) for text in texts]
    again, together = to_json(values, inf_nan_mode="constants"), b"".join(texts)
    # No text has fewer colons than its value, so all have as many if there are as many in all: see from_strict_json.
    if together.count(b":") == again.count(b":") and b"\\u003" not in together and b"Infinity" not in again:
        return values
    return [from_strict_json(text) for text in texts]


def _require_finite(value: Any) -> None:
    """Raise ValueError if a number is too large for a float."""
    values = [value]
    for item in values:
        if isinstance(item, dict):
            values += item.values()
        elif isinstance(item, list):
            values += item
        elif isinstance(item, float) and not isfinite(item):
            raise ValueError("a number is too large")


def _colons_outside_texts(text: bytes | bytearray) -> int:
    """Return the number of members in a text of JSON. A member that an object has twice counts twice."""
    if b"\\" in text:
        text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    return b"".join(text.translate(None, _ALL_BUT_QUOTES_AND_COLONS).split(b'"')[::2]).count(b":")


def _first_duplicate(text: bytes | bytearray) -> str:
    found: list[str] = []

    def look(members: list[tuple[str, Any]]) -> None:
        names: set[str] = set()
        for name, _ in members:
            if name in names:
                found.append(name)
            names.add(name)

    json.loads(text, object_pairs_hook=look)
    return found[0]
