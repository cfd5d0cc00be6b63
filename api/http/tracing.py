"""The trace that a request belongs to, as its sender says (W3C Trace Context)."""

import re

from api.http.reading.headers import Headers

HEADER = b"traceparent"
_VALID = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_LENGTH = 55


def traceparent_of(headers: Headers) -> str | None:
    """Return the traceparent that a request brought; None if it is none, as the standard has it.

    A later version may say more. Its first four parts are as they are now.
    """
    if (sent := headers.get(HEADER)) is None:
        return None
    sent = sent.strip()
    known, more = sent[:_LENGTH], sent[_LENGTH:]
    is_known = not more or (more.startswith(b"-") and not known.startswith(b"00"))
    return known.decode() if is_known and _VALID.fullmatch(known) else None
