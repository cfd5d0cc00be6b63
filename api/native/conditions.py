"""The condition in If-Match on an order, and the error if it does not hold."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from api.http.problems import Fault, InvalidRequest, PreconditionFailed
from application.ledger.port import STREAM_EXISTS, Exactly, ExpectedVersion
from domain.errors import VersionConflict
from domain.values import MAX_BIGINT

# Proxies that compress an answer make its ETag weak; its version is still the same.
_ETAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,18})"|([1-9][0-9]{0,18})')


def expected_version(if_match: str | None) -> ExpectedVersion | None:
    """Return the condition in If-Match. Raises InvalidRequest."""
    if if_match is None:
        return None
    if if_match.strip() == "*":
        return STREAM_EXISTS
    found = _ETAG.fullmatch(if_match.strip())
    version = int(found[1] or found[2]) if found else MAX_BIGINT + 1
    if version > MAX_BIGINT:
        raise InvalidRequest(Fault(("header", "If-Match"), 'is not a version such as "3"', "if_match"))
    return Exactly(version)


@contextmanager
def precondition(expected: ExpectedVersion | None) -> Iterator[None]:
    """For a client that named the version, a version conflict is PreconditionFailed, which this raises instead."""
    try:
        yield
    except VersionConflict as conflict:
        if expected is None:
            raise
        raise PreconditionFailed(str(conflict)) from conflict
