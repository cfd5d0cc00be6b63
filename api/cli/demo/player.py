"""Sends the story's requests one after the other. Sending them again changes nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
from rich.console import Console
from rich.progress import track

from api.cli.demo.story import DAYS, FIRST_ORDER, LENGTH, Interface, Step, steps
from api.cli.maintenance import DEMO_ACCOUNT
from domain.errors import OrdertrailError

Headers = dict[str, str]


class ExampleNotLoaded(OrdertrailError):
    """The example could not be loaded."""


class LoadedStory(NamedTuple):
    """The result: how many events the ledger has, and whether the whole example was there before."""

    events: int
    was_there: bool


def play(http: httpx.Client, key: Mapping[str, Any], *, account: str = DEMO_ACCOUNT) -> LoadedStory:
    """Send the story to the tenant of a Dintero account. Raises ExampleNotLoaded.

    It begins on a midnight ten days ago or, if its first order is in the ledger, on that order's day. So every request
    is the same each time, and its Idempotency-Key makes the server repeat its first answer.
    """
    headers = _sign_in(http, key, account)
    start = _start(http, headers["native"])
    console = Console(stderr=True)
    told = track(
        enumerate(step._replace(path=step.path.replace(DEMO_ACCOUNT, account)) for step in steps(start)),
        "Loading the example",
        total=LENGTH,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    replayed = [_tell(http, headers[step.interface], n, step) for n, step in told]
    _await_views(http, headers["native"])
    ledger = _ask(http, "GET", "/trail/v1/ledger", headers=headers["native"]).json()
    return LoadedStory(events=ledger["head"], was_there=all(replayed))


def _sign_in(http: httpx.Client, key: Mapping[str, Any], account: str) -> dict[Interface, Headers]:
    """Return the headers with which each interface gets the same credential, in that interface's own form."""
    basic = httpx.BasicAuth(key["key_id"], key["secret"])
    native = {"Authorization": f"Bearer {key['token']}"}
    sendcloud = {"Authorization": next(basic.auth_flow(http.build_request("GET", "/"))).headers["Authorization"]}
    grant = {"client_id": key["key_id"], "client_secret": key["secret"]}
    carriyo = _ask(http, "POST", "/oauth/token", json=grant).json()
    audience = f"https://api.dintero.com/v1/accounts/{account}"
    dintero = _ask(
        http,
        "POST",
        f"/v1/accounts/{account}/auth/token",
        headers=sendcloud,
        json={"grant_type": "client_credentials", "audience": audience},
    ).json()
    return {
        "native": native,
        "sendcloud": sendcloud,
        "carriyo": {
            "Authorization": f"Bearer {carriyo['access_token']}",
            "x-api-key": key["key_id"],
            "tenant-id": key["tenant"],
        },
        "dintero": {"Authorization": f"Bearer {dintero['access_token']}"},
    }


def _start(http: httpx.Client, headers: Headers) -> datetime:
    """Return the midnight at which the story begins."""
    # Read the ledger, because views may be behind.
    created = _ask(http, "GET", "/trail/v1/feed?type=order.created&limit=1000", headers=headers).json()["items"]
    first_days = [datetime.fromisoformat(e["time"]) for e in created if e["subject"] == f"order-{FIRST_ORDER}"]
    day = first_days[0] if first_days else datetime.now(UTC) - timedelta(days=DAYS)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def _tell(http: httpx.Client, headers: Headers, number: int, step: Step) -> bool:
    """Send one request of the story; return whether it was sent before."""
    response = _ask(
        http,
        step.method,
        step.path,
        headers={**headers, "Idempotency-Key": f"demo-{number:03}"},
        json=step.body,
    )
    return "Idempotency-Replayed" in response.headers


def _await_views(http: httpx.Client, headers: Headers) -> None:
    """Read until the views show everything, for a limited time: each read waits for up to a second."""
    for _ in range(10):
        response = _ask(http, "GET", f"/v1/orders/{FIRST_ORDER}/action_logs", headers=headers)
        if "Ordertrail-Lag" not in response.headers:
            return


def _ask(http: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
    """Return the answer to a request. Raises ExampleNotLoaded."""
    told = f"The example could not be loaded: {method} {path}"
    try:
        response = http.request(method, path, **request)
    except httpx.HTTPError as exc:
        raise ExampleNotLoaded(f"{told} was not answered: {exc}") from exc
    if not response.is_success:
        raise ExampleNotLoaded(f"{told} was answered {response.status_code}: {' '.join(response.text.split())}")
    return response
