"""Secrets in lines of the log: they are masked, whatever put them there."""

import re

from application.bodies.masking import MASK, without_secrets_in

_TOKEN = re.compile(r"\b(ot_[0-9a-f]+_)[A-Za-z0-9_-]+")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)(\s+)(?=\S*[0-9+/=_.-])[A-Za-z0-9+/=_.~-]{8,}")
_NAMED = re.compile(
    r"(?i)\b((?:\w+[_-])?(?:password|passwd|secret|token|api[_-]?key|installation[_-]?key|sslpassword))"
    r"(\\?[\"']?\s*[=:]\s*\\?[\"']?)([^\s\"'\\,;&)}\]]{4,})"
)


def without_secrets(line: str) -> str:
    """Return a line with credentials, tokens and passwords masked. The key id of a credential stays."""
    line = _TOKEN.sub(rf"\1{MASK}", line)
    line = _JWT.sub(MASK, line)
    line = _SCHEME.sub(rf"\1\2{MASK}", line)
    line = _NAMED.sub(rf"\1\2{MASK}", line)
    return without_secrets_in(line)
