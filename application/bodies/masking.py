"""Secrets in logged calls: they are masked, by the names of headers and parameters, before anything is stored."""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, TypeVar
from urllib.parse import unquote_plus

from domain.events.event import Event
from domain.events.integration import ExceptionLogged
from domain.events.records import Call, SystemLogRecorded

MASK = "***"
MOST_READ = 64 * 1024
"""How many characters of headers given as text are searched; the rest is masked, since it may hold anything."""

SECRET_HEADERS = frozenset({"ocp-apim-subscription-key", "x-functions-key"})
"""Headers whose values let their reader act as somebody else, although their names contain none of the words below."""

_PARTS = (
    "token",
    "secret",
    "authorization",
    "authorisation",
    "authentication",
    "session",
    "sessid",
    "signature",
    "password",
    "passwd",
    "passphrase",
    "cookie",
)
"""A name is secret if one of its words contains one of these."""
_JOINED = ("apikey", "accesskey", "privatekey", "signingkey")
"""Secret names of several words, however these are joined: api-key, api_key, ApiKey."""
_WORDS = frozenset({"auth", "bearer", "hmac", "jwt", "pwd", "sig"})
"""A name is secret if one of these is a whole word of it; author is not secret."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Names as they stand before a colon or an equals sign. In an address, a mark precedes a name; _PARAMETER finds those.
_NAMED = re.compile(r"(?<![\w?&;#%+.-])([A-Za-z0-9_][\w!$%*+.^|~-]*+)([ \t]*+[:=])")
_REST_OF_LINE = re.compile(r"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")
_STRING = r"""\\*"(?:[^"\\]|\\.)*+"?|\\*'(?:[^'\\]|\\.)*+'?"""
# Members of a printed mapping or pairs of a printed list: "name": "value", 'name': ['value'], ('name', b'v').
_QUOTED = re.compile(r"""(?s)(?<=["'])([\w!#$%&*+.^|~ -]++)(\\*["']\s*+[:,]\s*+)""")
_QUOTED_VALUE = re.compile(
    rf"(?s)b?(?:{_STRING})|\[(?:[^\]\"']|{_STRING})*+\]?|\{{(?:[^}}\"']|{_STRING})*+\}}?|[^\s,}}\])]*"
)
_PARAMETER = re.compile(r"[?&;#]([^=&;#?\s\"'<>]++)=")
_VALUE_IN_ADDRESS = re.compile(r"[^&#]*")
_VALUE_IN_TEXT = re.compile(r"[^&#\s\"'<>\\]*")
# The same for an address that is itself the value of a parameter, such as the address to continue with.
_INNER_PARAMETER = re.compile(r"%(?:3[fFbB]|2[36])((?:(?!%(?:3[dDfFbB]|2[36]))[^=&;#?\s\"'<>])++)%3[dD]")
_INNER_VALUE = re.compile(r"(?:(?!%2[36])[^&#\s\"'<>\\])*")
_USER = re.compile(r"(?:(?<=://)|(?<=^//)|(?<=[\s\"'<(]//))[^/?#\s\"'<>\\]+@")
_USER_WITHOUT_SCHEME = re.compile(r"^[^/?#\s:@]*:[^/?#\s]*@")

E = TypeVar("E", bound=Event)


def is_secret(name: str, secret: frozenset[str] = SECRET_HEADERS) -> bool:
    """Return whether the value with this name must not be stored. A name is secret by its words, or if it is in secret.

    Capitals and separators make no difference, and neither does CGI's spelling of headers, HTTP_X_API_KEY.
    """
    return _is_secret(name, secret)


@lru_cache(maxsize=4_096)
def _is_secret(name: str, secret: frozenset[str]) -> bool:
    plain = name.strip().lower().replace("_", "-")
    if plain in secret or plain.removeprefix("http-") in secret:
        return True
    words = [word.lower() for word in _WORD.findall(name.replace("OAuth", "Oauth"))]
    if not _WORDS.isdisjoint(words):
        return True
    letters = [part for part in re.split(r"[^a-z]+", name.lower()) if part]
    return any(part in word for part in _PARTS for word in letters) or any(
        joined in "".join(letters) for joined in _JOINED
    )


def masked(headers: Any, secret: frozenset[str] = SECRET_HEADERS) -> Any:
    """Return headers with secret values masked. In the other values, the secrets within addresses are masked.

    If there are no secrets, the result equals the argument. Headers may be a mapping from names to values or lists of
    values, nested or not, a list of pairs, or a text in which headers are printed. A text may be longer than any real
    headers are: everything beyond MOST_READ characters is masked.
    """
    if isinstance(headers, str):
        rest = MASK if len(headers) > MOST_READ else ""
        text = without_secrets_in(headers[:MOST_READ], secret)
        text = _replaced(text, _NAMED, _REST_OF_LINE, lambda name: is_secret(name, secret), _hidden_line)
        return _replaced(text, _QUOTED, _QUOTED_VALUE, lambda name: is_secret(name, secret), _hidden_member) + rest
    return _masked_json(headers, secret)


def masked_address(address: str, secret: frozenset[str] = SECRET_HEADERS) -> str:
    """Return an address without the user name and password, and without the values of its secret parameters."""
    named = _USER_WITHOUT_SCHEME.sub(f"{MASK}@", _USER.sub(f"{MASK}@", address)) if "@" in address else address
    return _without_parameters(named, _VALUE_IN_ADDRESS, secret)


def without_secrets_in(text: str, secret: frozenset[str] = SECRET_HEADERS) -> str:
    """Return a text with every address in it masked, as masked_address does."""
    named = _USER.sub(f"{MASK}@", text) if "@" in text else text
    return _without_parameters(named, _VALUE_IN_TEXT, secret)


def masked_call(call: Call, secret: frozenset[str] = SECRET_HEADERS) -> Call:
    """Return a call's content without the secrets in its headers. Its bodies stay as they are."""
    headers = {"request_headers": call.request_headers, "response_headers": call.response_headers}
    return call.model_copy(update={name: masked(value, secret) for name, value in headers.items()})


def masked_event(event: E, secret: frozenset[str] = SECRET_HEADERS) -> E:
    """Return an event about a call without its secrets; return any other event as it is. Bodies stay as they are."""
    if not _is_about_call(type(event)):
        return event
    if isinstance(event, SystemLogRecorded):
        return _changed(event, {"request_url": event.request_url and masked_address(event.request_url, secret)})
    assert isinstance(event, ExceptionLogged)
    changed = {
        "base_url": masked_address(event.base_url, secret),
        "full_url": event.full_url and masked_address(event.full_url, secret),
        "exception": event.exception and without_secrets_in(event.exception, secret),
        "request": _masked_message(event.request, secret),
        "response": _masked_message(event.response, secret),
        "additional_data": _masked_json(event.additional_data, secret),
    }
    is_masked = event.is_masked or any(value != getattr(event, name) for name, value in changed.items())
    return _changed(event, {**changed, "is_masked": is_masked})


@cache
def _is_about_call(event_class: type[Event]) -> bool:
    return issubclass(event_class, (SystemLogRecorded, ExceptionLogged))


def _changed(event: E, fields: dict[str, Any]) -> E:
    return event.model_copy(update=fields)


def _masked_message(message: dict[str, Any] | None, secret: frozenset[str]) -> dict[str, Any] | None:
    """Return a request or a response with its members masked as headers are, except for the body."""
    if message is None:
        return None
    return {
        name: value if name in {"body", "payload"} else _masked_member(name, value, secret)
        for name, value in message.items()
    }


def _masked_json(value: Any, secret: frozenset[str]) -> Any:
    match value:
        case str():
            return without_secrets_in(value, secret)
        case {"name": str(name), "value": given} | {"key": str(name), "value": given} if is_secret(name, secret):
            return {**value, "value": _hidden(given)}
        case Mapping():
            return {name: _masked_member(name, item, secret) for name, item in value.items()}
        case list():
            return [_masked_item(item, secret) for item in value]
        case _:
            return value


def _masked_item(item: Any, secret: frozenset[str]) -> Any:
    """Return an item of a list, which may be a pair of a name and a value."""
    match item:
        case [str(name), given] if is_secret(name, secret):
            return [name, _hidden(given)]
        case _:
            return _masked_json(item, secret)


def _masked_member(name: str, value: Any, secret: frozenset[str]) -> Any:
    if is_secret(name, secret):
        return _hidden(value)
    return masked(value, secret) if name.lower() == "headers" else _masked_json(value, secret)


def _hidden(value: Any) -> Any:
    """Return a secret value with only its shape left: one value, several, or none."""
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return value if value in (None, "") else MASK


def _without_parameters(text: str, value: re.Pattern[str], secret: frozenset[str]) -> str:
    def is_meant(name: str) -> bool:
        return is_secret(unquote_plus(name), secret)

    if "=" in text:
        text = _replaced(text, _PARAMETER, value, is_meant, _hidden)
    if "%3d" in text or "%3D" in text:
        text = _replaced(text, _INNER_PARAMETER, _INNER_VALUE, is_meant, _hidden)
    return text


def _hidden_line(value: str) -> str:
    """Return the mask in place of a header's value. The rest of the line may belong to it, and is hidden too."""
    return f" {MASK}" if value.strip() not in {"", MASK} else value


def _hidden_member(value: str) -> str:
    is_hidden = value.lstrip("[{b\\\"' ").rstrip("]}\\\"' ") in {"", MASK, "null", "None"}
    return value if is_hidden else f'"{MASK}"'


def _replaced(
    text: str,
    named: re.Pattern[str],
    value: re.Pattern[str],
    is_meant: Callable[[str], bool],
    hidden: Callable[[str], str],
) -> str:
    """Return a text in which the values of the names that is_meant accepts are hidden."""
    parts, done = [], 0
    for found in named.finditer(text):
        if found.start() >= done and is_meant(found[1]):
            start = found.end()
            parts += [text[done:start], hidden(text[start : (end := _end(value, text, start))])]
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
