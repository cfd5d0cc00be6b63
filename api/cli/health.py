"""What a running server says of itself."""

import http.client
import json
from ipaddress import ip_address
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from api.cli.terminal.durations import InvalidOption
from api.settings import Settings

MOST = 65_536
"""How much of an answer is read."""
_OPENER = build_opener(ProxyHandler({}))  # a proxy may reach another machine's server


class HealthAnswer(NamedTuple):
    """Whether a server is ready, and its words or why there are none."""

    is_ready: bool
    says: str


def ask(url: str | None, settings: Settings, *, seconds: float) -> HealthAnswer:
    """Ask a server, or the one of this machine, whether it is ready. Raises InvalidOption."""
    base = (url or _own_url(settings)).rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise InvalidOption(f"--url {base!r} is not a URL such as http://127.0.0.1:8080")
    try:
        with _OPENER.open(Request(f"{base}/readyz"), timeout=seconds) as response:  # noqa: S310 checked above
            return HealthAnswer(True, _status(response.read(MOST)))
    except HTTPError as refusal:
        return HealthAnswer(False, f"{base} is not ready: {refusal.code} {_detail(refusal.read(MOST))}".rstrip())
    except URLError as error:
        return HealthAnswer(False, f"{base} does not answer: {error.reason}")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return HealthAnswer(False, f"{base} does not answer: {error}")


def _own_url(settings: Settings) -> str:
    """Return where the server of this machine is found. One that listens everywhere is found on the loopback too."""
    host = settings.host
    try:
        address = ip_address(host)
    except ValueError:
        return f"http://{host}:{settings.port}"
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://{f'[{host}]' if address.version == 6 else host}:{settings.port}"


def _status(body: bytes) -> str:
    """Return the status in an answer. Raises ValueError if the server is not ours."""
    return str(_member(body, "status"))


def _detail(body: bytes) -> str:
    try:
        return str(_member(body, "detail"))
    except ValueError:
        return ""


def _member(body: bytes, name: str) -> object:
    document = json.loads(body)
    if not isinstance(document, dict) or name not in document:
        raise ValueError("this is not Ordertrail's answer")
    return document[name]
