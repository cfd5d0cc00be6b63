"""Secrets in the headers of logged calls: masked before anything is stored."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

MASK = "***"
MOST_READ = 64 * 1024
"""How many characters of headers that come as a text are looked through; what is beyond may be anything."""

SECRET_HEADERS = frozenset(
    {
        "api-key",
        "apikey",
        "authorization",
        "client-secret",
        "cookie",
        "cookie2",
        "ocp-apim-subscription-key",
        "private-token",
        "proxy-authorization",
        "set-cookie",
        "set-cookie2",
        "x-access-token",
        "x-amz-security-token",
        "x-api-key",
        "x-api-secret",
        "x-apikey",
        "x-auth-key",
        "x-auth-token",
        "x-client-secret",
        "x-csrf-token",
        "x-functions-key",
        "x-gitlab-token",
        "x-goog-api-key",
        "x-refresh-token",
        "x-secret",
        "x-secret-key",
        "x-session-token",
        "x-shopify-access-token",
        "x-shopify-storefront-access-token",
        "x-token",
        "x-vault-token",
        "x-xsrf-token",
    }
)
"""Headers whose values let their reader act as somebody else, in lower case."""

_STRING = r"""\\*"(?:[^"\\]|\\.)*"?|\\*'(?:[^'\\]|\\.)*'?"""


class _Patterns(NamedTuple):
    """Where secret headers stand in a text."""

    line: re.Pattern[str]
    """Header lines, with those that continue them. What follows on a line may belong to the value, so it goes too."""
    member: re.Pattern[str]
    """Members of a printed mapping or pairs of a printed list: "name": "value", 'name': ['value'], ('name', b'v')."""


@cache
def _patterns(secret: frozenset[str]) -> _Patterns:
    names = "|".join(re.escape(name).replace(r"\-", "[-_]") for name in sorted(secret, key=len, reverse=True))
    name = rf"(?:http[-_])?(?:{names})"
    return _Patterns(
        line=re.compile(rf"(?i)(?<![\w-])({name}[ \t]*[:=])([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)"),
        member=re.compile(
            rf"""(?is)(?<![\w-])({name}\\*["']\s*[:,]\s*)(b?(?:{_STRING})|\[(?:[^\]"']|{_STRING})*\]?)"""
        ),
    )


def is_secret(name: str, secret: frozenset[str] = SECRET_HEADERS) -> bool:
    """Whether a header's value must not be kept; CGI's spelling of names, HTTP_X_API_KEY, counts as well."""
    plain = name.strip().lower().replace("_", "-")
    return plain in secret or plain.removeprefix("http-") in secret


def masked(headers: Any, secret: frozenset[str] = SECRET_HEADERS) -> Any:
    """Return headers with the values of the secret ones masked; without such, what is returned equals what was given.

    Headers may be a mapping from names to values or lists of values, nested or not, or a text that has them printed.
    Of a text that no headers are as long as, what is beyond that length is masked.
    """
    if isinstance(headers, str):
        patterns, rest = _patterns(secret), MASK if len(headers) > MOST_READ else ""
        read = patterns.line.sub(_masked_line, headers[:MOST_READ])
        return patterns.member.sub(_masked_member, read) + rest
    return _masked_json(headers, secret)


def _masked_json(value: Any, secret: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _hidden(item) if is_secret(name, secret) else _masked_json(item, secret)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_masked_json(item, secret) for item in value]
    return value


def _hidden(value: Any) -> Any:
    """Return a secret header's value so that only its shape is left: one value, several, or none."""
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return value if value in (None, "") else MASK


def _masked_line(match: re.Match[str]) -> str:
    name, value = match.groups()
    return f"{name} {MASK}" if value.strip() not in {"", MASK} else match.group()


def _masked_member(match: re.Match[str]) -> str:
    name, value = match.groups()
    inner = value.lstrip("[b\\\"' ").rstrip("]\\\"' ")
    return f'{name}"{MASK}"' if inner not in {"", MASK} else match.group()
