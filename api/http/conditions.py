"""Conditions that writes are made on (RFC 9110, 13.1), and keys that name them: kept where they can be, or refused."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Header, Request
from fastapi.dependencies.models import Dependant

from api.http.problems import Fault, InvalidRequest
from api.http.reading.headers import Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_TAGS = 100
IF_MATCH, KEY = "If-Match", "Idempotency-Key"
_PART = "Content-Range"
_UNKNOWN = ("If-None-Match", "If-Modified-Since", "If-Unmodified-Since", _PART)
_RAW_UNKNOWN = frozenset(name.lower().encode() for name in _UNKNOWN)
_RAW_REFUSED = _RAW_UNKNOWN | {IF_MATCH.lower().encode()}

# An element of a list may be empty. Those who send a version without quotes mean the tag.
_ELEMENT = re.compile(r'[ \t]*(?:(W/)?"([!#-~\x80-\xff]*)"|([1-9][0-9]{0,18}))?[ \t]*(?:,|$)')


class IfMatch(NamedTuple):
    """The entity tags in If-Match, without their quotes. is_any is true for *, which every version matches.

    Weak tags are left out, because they never match here.
    """

    tags: frozenset[str]
    is_any: bool = False


def if_match_of(lines: Sequence[str]) -> IfMatch:
    """Return the condition in all lines of the header together. Raises InvalidRequest."""
    text = ", ".join(lines)
    if text.strip(" \t") == "*":
        return IfMatch(frozenset(), is_any=True)
    tags: list[str] = []
    count, place = 0, 0
    while place < len(text):
        found = _ELEMENT.match(text, place)
        if found is None:
            raise _malformed('is not a list of entity tags such as "3", nor *')
        weak, quoted, bare = found.groups()
        tag = bare if quoted is None else quoted
        count += tag is not None
        if tag is not None and not weak:
            tags.append(tag)
        place = found.end()
    if not 0 < count <= MAX_TAGS:
        raise _malformed(f"names {count or 'no'} entity tags; it can name 1 to {MAX_TAGS}")
    return IfMatch(frozenset(tags))


def _malformed(what: str) -> InvalidRequest:
    return InvalidRequest(Fault(("header", IF_MATCH), what, "if_match"))


async def read_if_match(
    request: Request,
    _documented: Annotated[
        str | None,
        Header(
            alias=IF_MATCH,
            description='Entity tags such as "3", of which the present one must be one; or *: that it exists',
        ),
    ] = None,
) -> IfMatch | None:
    """Return the condition that a request is made on, if it has If-Match. Raises InvalidRequest."""
    lines = request.headers.getlist(IF_MATCH)
    return if_match_of(lines) if lines else None


IfMatchDep = Annotated[IfMatch | None, Depends(read_if_match)]
"""What a write takes that has an ETag. Routes that do not take it refuse the header."""


def takes(dependant: Dependant, call: Callable[..., Any]) -> bool:
    """Return whether a route depends on this."""
    return any(each.call is call or takes(each, call) for each in dependant.dependencies)


def require_kept(request: Request, *, keeps_if_match: bool, keeps_key: bool) -> None:
    """Raise InvalidRequest if a write has a condition or a key that it cannot keep, or two different keys."""
    if request.method in SAFE_METHODS:
        return
    names = _UNKNOWN if keeps_if_match else (*_UNKNOWN, IF_MATCH)
    faults = [_cannot_keep(name) for name in names if name in request.headers]
    if not keeps_key and KEY in request.headers:
        faults.append(Fault(("header", KEY), "is not kept by this write, which records no event; leave it out", "key"))
    if len(set(request.headers.getlist(KEY))) > 1:
        faults.append(Fault(("header", KEY), "was sent twice with different values; a request has one", "repeated"))
    if faults:
        raise InvalidRequest(*faults)


def _cannot_keep(name: str) -> Fault:
    if name == _PART:
        return Fault(("header", name), "says that the body is a part of one, which no write takes", "part")
    instead = "send If-Match instead" if name != IF_MATCH else "what it writes to has no ETag"
    return Fault(("header", name), f"is a condition that this write cannot keep; {instead}", "condition")


def may_be_refused(headers: Headers, *, is_each_once: bool, keeps_if_match: bool) -> bool:
    """Return whether the ordinary route may refuse the headers of a write.

    If a header came twice, it finds out whether that matters.
    """
    refused = _RAW_UNKNOWN if keeps_if_match else _RAW_REFUSED
    return not is_each_once or not refused.isdisjoint(headers)
