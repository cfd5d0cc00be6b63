"""Clients that write all the time, and send again until they are told that it is stored."""

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Sequence
from math import inf

import httpx

from tests.faults.journal import Acknowledged, Journal, Request, Tenant, now
from tests.faults.linearizability import Operation, Outcome
from tests.fix_embedded import wait_until

PAUSE_SECONDS = 0.1
REST_SECONDS = 0.4
"""How long a writer rests after an acknowledgement, so that the projector can catch up while others go on writing."""
TIMEOUT_SECONDS = 20.0
SHARED = "shared"
"""The order that all clients of a tenant write to, besides one of their own."""


class Clients:
    """Clients of some tenants, in a thread of their own."""

    def __init__(
        self, url: str, tenants: Sequence[Tenant], journal: Journal, *, writers: int, racers: int, batch: int
    ) -> None:
        self._url, self.tenants, self._journal = url, tenants, journal
        self._writers, self._racers, self._batch = writers, racers, batch
        self.stream = ""
        """The order for which clients race; none if it is empty."""
        self._racing: Counter[str] = Counter()
        self._is_over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "Clients":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()

    @property
    def count(self) -> int:
        """How many clients write all the time."""
        return len(self.tenants) * self._writers

    def history_of(self, stream: str) -> list[Operation]:
        """Return what happened to an order, once nobody races for it any more."""
        wait_until(lambda: self._racing[stream] == 0)
        return self._journal.histories[stream]

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for tenant in self.tenants:
                for n in range(self._writers):
                    tasks.create_task(self._write(tenant, f"{tenant.name}-{n}"))
            for n in range(self._racers):
                tasks.create_task(self._race(self.tenants[0], n))

    def _client(self, tenant: Tenant) -> httpx.AsyncClient:
        # Each request on a connection of its own: it may reach any worker.
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=self._url, headers=tenant.headers, limits=limits, timeout=TIMEOUT_SECONDS)

    async def _write(self, tenant: Tenant, client: str) -> None:
        """Write batches of events, one after the other, to one's own order and to the shared one in turn."""
        number = 0
        async with self._client(tenant) as http:
            while not self._is_over:
                order_id, request = (SHARED if number % 2 else f"own-{client}"), Request(client, number)
                ids = [request.event(n) for n in range(self._batch)]
                events = [{"type": "order.status_updated", "event_id": i, "data": {"status": i}} for i in ids]
                await self._tell(http, tenant, order_id, request, json.dumps({"events": events}).encode())
                number += 1
                await asyncio.sleep(REST_SECONDS)

    async def _tell(
        self, http: httpx.AsyncClient, tenant: Tenant, order_id: str, request: Request, body: bytes
    ) -> None:
        """Send this until it is stored, or until nobody wants to know any more."""
        sent = now()
        while not (self._is_over and now() > sent + TIMEOUT_SECONDS):
            tried = now()
            try:
                answer = await _post(http, order_id, body)
            except httpx.HTTPError:
                self._journal.unknown += 1
            else:
                if answer.status_code == 201:
                    position = int(answer.headers["ordertrail-position"])
                    self._journal.acknowledge(
                        Acknowledged(tenant.name, request, self._batch, position, sent, tried, now())
                    )
                    return
                self._note(answer)
            await asyncio.sleep(PAUSE_SECONDS)

    def _note(self, answer: httpx.Response) -> None:
        if answer.status_code not in {429, 503}:
            self._journal.unexpected.append(f"{answer.status_code} {answer.text[:500]}")
        elif "retry-after" in answer.headers:
            self._journal.refused += 1
        else:
            self._journal.unknown += 1

    async def _race(self, tenant: Tenant, number: int) -> None:
        """Append at the version that is read, as others do at the same time."""
        chance = random.Random(number)
        n = 0
        async with self._client(tenant) as http:
            while not self._is_over:
                stream, n = self.stream, n + 1
                if stream:
                    self._racing[stream] += 1
                    await self._step(http, stream, chance, f"race-{number}-{n}")
                    self._racing[stream] -= 1
                await asyncio.sleep(chance.random() * PAUSE_SECONDS)

    async def _step(self, http: httpx.AsyncClient, stream: str, chance: random.Random, event_id: str) -> None:
        """Read, and append at the version that was read."""
        version = await self._look(http, stream)
        if version is None or chance.random() < 0.2:
            return
        body = json.dumps({"type": "order.status_updated", "event_id": event_id, "data": {"status": event_id}}).encode()
        called, outcome = now(), "unknown"
        try:
            answer = await _post(http, stream, body, if_match=version)
        except httpx.ConnectError:
            return  # nothing was sent
        except httpx.HTTPError:
            self._keep(stream, called, inf, version, "unknown")
            return
        if answer.status_code in {201, 412}:
            outcome = "done" if answer.status_code == 201 else "refused"
            self._keep(stream, called, now(), version, outcome)  # type: ignore[arg-type]
        else:
            self._note(answer)
            if "retry-after" not in answer.headers:
                self._keep(stream, called, inf, version, "unknown")

    async def _look(self, http: httpx.AsyncClient, stream: str) -> int | None:
        """Read a version; None if there is no certain one."""
        called = now()
        try:
            answer = await http.get(f"/trail/v1/orders/{stream}")
        except httpx.HTTPError:
            return None
        if answer.status_code != 200 or "ordertrail-lag" in answer.headers:
            return None
        version: int = answer.json()["version"]
        self._journal.histories[stream].append(Operation(called, now(), None, "done", version))
        return version

    def _keep(self, stream: str, called: float, answered: float, version: int, outcome: Outcome) -> None:
        self._journal.histories[stream].append(Operation(called, answered, version, outcome, version + 1))


async def _post(http: httpx.AsyncClient, order_id: str, body: bytes, *, if_match: int | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    if if_match is not None:
        headers["If-Match"] = f'"{if_match}"'
    return await http.post(f"/trail/v1/orders/{order_id}/events", content=body, headers=headers)
