"""The head of a request: its line and its headers, as they are received."""

from collections.abc import Sequence

import httptools

Header = tuple[bytes, bytes]
"""A header's name in small letters, and its value."""


def size_of(url: bytes, headers: Sequence[Header]) -> int:
    """Return about how many bytes a head has."""
    return len(url) + sum(len(name) + len(value) + len(": \r\n") for name, value in headers)


def path_and_query(url: bytes) -> tuple[bytes, bytes]:
    """Return the path and the query of a request's target."""
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path or b"/", parsed.query or b""


def is_asked_for_body(headers: Sequence[Header]) -> bool:
    """Whether the client sends the body only when it is asked for it."""
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)


def without_upgrade(method: bytes, url: bytes, version: str, headers: Sequence[Header]) -> bytes:
    """Return a head without the offer of another protocol."""
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            options = [option for option in value.split(b",") if option.strip().lower() != b"upgrade"]
            lines.append(b"connection: " + b",".join(options))
        elif name != b"upgrade":
            lines.append(b"%b: %b" % (name, value))
    return b"\r\n".join(lines) + b"\r\n\r\n"
