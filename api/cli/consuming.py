"""A member of a consumer that runs a command for each event, over HTTP."""

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from api.cli.credentials import bearer
from domain.errors import OrdertrailError

WAIT_SECONDS = 20
BEAT_SECONDS = 2.0
"""How often the lease is renewed while a command runs. The shortest lease is 5 seconds."""
PAUSE_SECONDS = 1.0
"""How long to wait before asking a server again that does not answer."""
TIMEOUT_SECONDS = 60.0
LEAVE_SECONDS = 5.0
"""How long a member that was told to stop waits for each answer. It leaves in one or two requests."""
_NAMED = ("id", "type", "subject", "position", "partition", "token", "attempt", "previousposition")


class CannotConsume(OrdertrailError):
    """The server refuses what a member asks."""


class ServerAway(CannotConsume):
    """The server does not answer a member that was told to stop; what was not acknowledged comes again."""


class Consumption(NamedTuple):
    """What to consume and how."""

    url: str
    token: str
    consumer: str
    command: Sequence[str]
    delay_seconds: float
    is_endless: bool
    """Whether to wait for more when there is nothing left."""


class _Asked(NamedTuple):
    status: int
    body: dict[str, Any]


class CommandMember:
    """Runs the command for one event after the other. It exits with 0 once it has handled the event."""

    def __init__(self, client: httpx.AsyncClient, consumption: Consumption) -> None:
        self._client = client
        self._given = consumption
        self._path = f"/trail/v1/consumers/{quote(consumption.consumer, safe='')}"
        self._member = f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._is_told_to_stop = asyncio.Event()

    def stop(self) -> None:
        """Handle the present event to its end, and then leave."""
        self._is_told_to_stop.set()

    async def consume(self) -> int:
        """Handle events until told to stop, or until there are none; return how many. Raises CannotConsume."""
        handled = 0
        while not self._is_told_to_stop.is_set():
            wait = WAIT_SECONDS if self._given.is_endless else 0
            items = await self._fetch(wait)
            if not items and not self._given.is_endless:
                break
            handled += await self._handle_all(items)
        with suppress(ServerAway):  # then its lease ends by itself
            await self._leave()
        return handled

    async def _leave(self) -> None:
        await self._ask("DELETE", f"{self._path}/members/{self._member}")

    async def _fetch(self, wait: float) -> list[dict[str, Any]]:
        fetching = asyncio.create_task(self._ask("POST", f"{self._path}/fetch", member=self._member, wait=wait))
        stopping = asyncio.create_task(self._is_told_to_stop.wait())
        await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not fetching.done():
            # Whoever leaves ends its own wait. But the server may take the fetch after that, and let it join: then it
            # leaves once more at the end.
            await asyncio.gather(self._leave(), fetching, return_exceptions=True)
            return []
        items: list[dict[str, Any]] = fetching.result().body["items"]
        return items

    async def _handle_all(self, items: Sequence[Mapping[str, Any]]) -> int:
        """Handle events in ledger order; after one that fails, leave out the later ones of its order."""
        handled, failed = 0, set[str]()
        for item in items:
            if self._is_told_to_stop.is_set():
                break
            if item["subject"] in failed:
                continue
            code = await self._run(item)
            handled += code == 0
            if not await self._say(item, code):
                break  # others own the partitions now
            if code != 0:
                failed.add(item["subject"])
        return handled

    async def _say(self, item: Mapping[str, Any], code: int) -> bool:
        """Acknowledge or refuse an event; return whether it was ours to say."""
        said = {name: item[name] for name in ("partition", "token", "position")}
        if code == 0:
            body: dict[str, Any] = {
                "acknowledged": [{**said, **({"subject": item["subject"]} if item["held"] else {})}]
            }
        else:
            reason = f"The command exited with {code}"
            body = {"refused": [{**said, "delay_seconds": self._given.delay_seconds, "reason": reason}]}
            _tell(f"Position {item['position']} of {item['subject']} was refused: {reason}")
        asked = await self._ask("POST", f"{self._path}/acknowledge", member=self._member, **body)
        if asked.status == httpx.codes.CONFLICT:
            _tell(asked.body["detail"])
        return asked.status != httpx.codes.CONFLICT

    async def _run(self, item: Mapping[str, Any]) -> int:
        """Run the command with an event, renewing the lease meanwhile; return its exit code."""
        process = await asyncio.create_subprocess_exec(
            *self._given.command, stdin=asyncio.subprocess.PIPE, env=_environment(item)
        )
        beating = asyncio.create_task(self._beat())
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                await process.communicate(httpx.Response(200, json=dict(item)).content + b"\n")
            return await process.wait()
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        with suppress(CannotConsume):  # what follows the command will meet the same refusal
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                await self._ask("POST", f"{self._path}/acknowledge", member=self._member)

    async def _ask(self, method: str, path: str, **body: Any) -> _Asked:
        """Ask the server until it answers, but not for long once told to stop. Raises CannotConsume, ServerAway."""
        asking = asyncio.create_task(self._answer(method, path, body))
        stopping = asyncio.create_task(self._is_told_to_stop.wait())
        try:
            await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({asking}, timeout=LEAVE_SECONDS)
            if not asking.done():
                raise ServerAway
            return asking.result()
        finally:
            asking.cancel()
            stopping.cancel()

    async def _answer(self, method: str, path: str, body: dict[str, Any]) -> _Asked:
        """Ask the server until it answers; saying the same twice changes nothing. Raises CannotConsume."""
        while True:
            try:
                response = await self._client.request(method, path, json=body or None)
            except httpx.TransportError as error:
                _tell(f"{self._given.url} does not answer, and is asked again: {error or type(error).__name__}")
            else:
                if response.status_code == httpx.codes.CONFLICT or response.is_success:
                    return _Asked(response.status_code, response.json() if response.content else {})
                if response.is_client_error and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                    raise CannotConsume(_detail(response))
                _tell(f"{self._given.url} answers {response.status_code}, and is asked again")
            await asyncio.sleep(PAUSE_SECONDS)


async def consume(consumption: Consumption) -> int:
    """Consume until a signal comes, or until there is nothing left; return how many events were handled.

    Raises CannotConsume.
    """
    headers = bearer(consumption.token)
    async with httpx.AsyncClient(base_url=_url(consumption.url), headers=headers, timeout=TIMEOUT_SECONDS) as client:
        member = CommandMember(client, consumption)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, member.stop)
        return await member.consume()


def _url(text: str) -> httpx.URL:
    """Return the address of a server. Raises CannotConsume."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise CannotConsume(f"--url {text!r} is no address: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise CannotConsume(f"--url {text!r} is no address such as http://127.0.0.1:8080")
    return url


def _environment(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the command's environment: ours without the credential, and what the event is."""
    ours = {name: value for name, value in os.environ.items() if name != "ORDERTRAIL_TOKEN"}
    named = {name: item[name] for name in _NAMED if item.get(name) is not None}
    return {**ours, **{f"ORDERTRAIL_EVENT_{name.upper()}": str(value) for name, value in named.items()}}


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, LookupError, TypeError):
        return f"The server answers {response.status_code}"


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")
