"""What `ordertrail demo` does once the server answers: load the example, and show how to look at it."""

from collections.abc import Mapping
from typing import Any

import httpx
import typer

from api.cli.demo.player import LoadedStory, play
from api.cli.demo.story import FIRST_ORDER
from api.cli.maintenance import DEMO_ACCOUNT
from application.access.links import LINK_SECONDS


def show(url: str, key: Mapping[str, Any], link: str, place: str) -> None:
    """Load the example and print where to find it. link signs in to its pages; place is where the data is stored.

    Raises ExampleNotLoaded.
    """
    # Ignore the environment's proxy, which is for other hosts.
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
        loaded = play(http, key)
    # Use no print of rich: it would wrap lines that you should copy.
    typer.echo(_text(url, str(key["token"]), link, place, loaded))


def _text(url: str, token: str, link: str, place: str, loaded: LoadedStory) -> str:
    history = "was there already" if loaded.was_there else "has been loaded"
    return f"""
Look at it here    {link}
                   (it signs you in once, within {LINK_SECONDS // 60} minutes)

Ordertrail is at   {url}
its interfaces at  {url}/docs
your token is      {token}

Ten days of Kiln & Kettle, a small shop for tea and tableware: the example {history}.
The ledger has {loaded.events} events of eight orders and two integrations. Look at order {FIRST_ORDER}:

Its timeline: everything that happened to it, from a chipped teapot to a carrier's outage
{_curl(f"{url}/trail/v1/orders/{FIRST_ORDER}/timeline", token)}

Its action log, as SHOPLINE shows it
{_curl(f"{url}/v1/orders/{FIRST_ORDER}/action_logs", token)}

Its services' states and the one they combine to, as Dintero shows them: a failure stays one, though it was repaired
{_curl(f"{url}/v1/accounts/{DEMO_ACCOUNT}/shopping/orders/{FIRST_ORDER}/events", token)}

Ctrl-C stops it; the data stays in {place}"""


def _curl(address: str, token: str) -> str:
    return f"curl -sS -H 'Authorization: Bearer {token}' {address}"
