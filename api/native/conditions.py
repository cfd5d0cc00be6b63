"""If-Match on streams. The ETag of a stream is its version."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from api.http.conditions import IfMatch
from api.http.problems import PreconditionFailed
from application.ledger.port import STREAM_EXISTS, Exactly, ExpectedVersion
from domain.errors import VersionConflict
from domain.values import MAX_BIGINT

T = TypeVar("T")

_VERSION = re.compile(r"[1-9][0-9]{0,18}")
_NO_VERSION = MAX_BIGINT
"""Stands for tags that no version has."""


def on_condition(if_match: IfMatch | None, attempt: Callable[[ExpectedVersion | None], Awaitable[T]]) -> Awaitable[T]:
    """Attempt a write at one of the versions that If-Match names.

    Raises PreconditionFailed, and what attempt raises.
    """
    if if_match is None or if_match.is_any:
        return attempt(None if if_match is None else STREAM_EXISTS)
    return _at_a_version(if_match, attempt)


async def _at_a_version(if_match: IfMatch, attempt: Callable[[ExpectedVersion | None], Awaitable[T]]) -> T:
    """Attempt a write at the newest of these versions; if the stream is at another of them, at that one next.

    No version is tried twice.
    """
    left = {int(tag) for tag in if_match.tags if _VERSION.fullmatch(tag) and int(tag) < _NO_VERSION}
    version = max(left, default=_NO_VERSION)
    while True:
        left.discard(version)
        try:
            return await attempt(Exactly(version))
        except VersionConflict as conflict:
            if conflict.expected != str(Exactly(version)):
                raise  # it is another stream's, which If-Match says nothing of
            if conflict.actual is None or conflict.actual not in left:
                raise _failed(conflict) from conflict
            version = conflict.actual


def _failed(conflict: VersionConflict) -> PreconditionFailed:
    found = "does not exist" if conflict.actual is None else f"is at {conflict.actual}"
    return PreconditionFailed(
        f"If-Match does not name the present version: stream {conflict.stream} {found}; "
        "read it again, then send a new request"
    )
