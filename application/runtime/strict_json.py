"""JSON as every reader reads it: no member of an object twice, finite numbers, whole characters."""

import json
from math import isfinite
from typing import Any

from pydantic_core import from_json

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
    members, colons_in_texts = _counted(value)
    # Each member has a colon, and texts may. If there is one more than can be seen here, it may be that of a member
    # that was lost, or in a name; if one was escaped, the numbers tell nothing.
    if text.count(b":") == members + colons_in_texts and b"\\u003" not in text:
        return value
    if _colons_outside_texts(text) != members:
        raise DuplicateMember(_first_duplicate(text))
    return value


def _counted(value: Any) -> tuple[int, int]:
    """Return the number of members of all objects in a value, and the number of colons in its texts.

    Raises ValueError if a number is too large for a float.
    """
    members = colons = 0
    values = [value]
    for item in values:
        kind = type(item)
        if kind is str:
            if ":" in item:
                colons += item.count(":")
        elif kind is dict:
            members += len(item)
            values += item.values()
        elif kind is list:
            values += item
        elif kind is float and not isfinite(item):
            raise ValueError("a number is too large")
    return members, colons


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
