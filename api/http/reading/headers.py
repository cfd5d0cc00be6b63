"""The headers of a request, by their names."""

from collections.abc import Mapping
from typing import Any

Headers = Mapping[bytes, bytes]
"""The headers of a request by their names in small letters. If one comes twice, it is the first."""


def headers_of(scope: Mapping[str, Any]) -> Headers:
    """Return the headers of a request."""
    return dict(reversed(scope["headers"]))


def is_each_once(headers: Headers, scope: Mapping[str, Any]) -> bool:
    """Whether no header of a request came twice."""
    return len(headers) == len(scope["headers"])
