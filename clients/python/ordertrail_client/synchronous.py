"""The client for threads."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx

from ordertrail_client import core
from ordertrail_client.consuming import LEASE_LOST, Delivery, Membership
from ordertrail_client.core import Call, Event, Filter, Page, Problem
from ordertrail_client.following import SILENCE_SECONDS, Following


class Client:
    """A client of one tenant, with its credential's token."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        http: httpx.Client | None = None,
        timeout: float = 60.0,
        tells_own_writes: bool = True,
    ) -> None:
        """http is a client of your own, which has a base URL and sends the token; you close it.

        With tells_own_writes, read says up to where this client has written: it shows all of that, and may come from
        a standby. What others wrote after it may be missing. Otherwise it shows everything that was written.
        """
        headers = {"Authorization": f"Bearer {token}"}
        self._http = http or httpx.Client(base_url=url, headers=headers, timeout=timeout)
        self._own_writes = core.OwnWrites(are_told=tells_own_writes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def append(
        self,
        order_id: str,
        *events: Event,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Append events to an order, all or none. Raises Problem."""
        call = core.append(order_id, events, expected_version=expected_version, idempotency_key=idempotency_key)
        recorded: dict[str, Any] = self._ask(call)
        return recorded

    def read(
        self,
        *,
        after: int | str = 0,
        types: Iterable[str] = (),
        orders: Iterable[str] = (),
        services: Iterable[str] = (),
        integrations: Iterable[int] = (),
        limit: int = 100,
        wait: int = 0,
    ) -> Page:
        """Return a page of the ledger. With wait, an empty page waits so many seconds for its first event."""
        wanted = Filter(types, orders, services, integrations)
        return core.page(self._ask(core.read(wanted, after=after, limit=limit, wait=wait)))

    def follow(
        self,
        *,
        after: int | str = 0,
        types: Iterable[str] = (),
        orders: Iterable[str] = (),
        services: Iterable[str] = (),
        integrations: Iterable[int] = (),
    ) -> Iterator[Event]:
        """Yield events as they come, for ever, in order and each once. Raises Problem, StreamEnded."""
        following = Following(Filter(types, orders, services, integrations), after)
        while True:
            with suppress(httpx.TransportError):
                yield from self._followed(following)
            time.sleep(following.pause())

    def _followed(self, following: Following) -> Iterator[Event]:
        call = following.call()
        timeout = httpx.Timeout(SILENCE_SECONDS)
        with self._http.stream(
            call.method, call.path, params=call.query, headers=call.headers, timeout=timeout
        ) as response:
            if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                return
            if response.status_code != httpx.codes.OK:
                response.read()
                raise _problem(response)
            for line in response.iter_lines():
                if (event := following.event_in(line)) is not None:
                    yield event

    def consume(self, name: str, *, member: str | None = None, limit: int = 100) -> Iterator[Delivery]:
        """Yield events as a member of a consumer, for ever. Raises Problem.

        A delivery is done when the next one is asked for, unless it was refused. Close the iterator to leave: what was
        yielded last then counts as not done.
        """
        membership = Membership(name, member=member, limit=limit)
        pause = Following(Filter(), 0)
        try:
            while True:
                try:
                    events = membership.fetched(self._ask(membership.fetch()))
                except httpx.TransportError:
                    time.sleep(pause.pause())
                    continue
                except Problem as problem:
                    if problem.type != LEASE_LOST and problem.status < httpx.codes.INTERNAL_SERVER_ERROR:
                        raise
                    membership.forget()
                    time.sleep(pause.pause() if problem.type != LEASE_LOST else 0)
                    continue
                for event in events:
                    if not membership.is_held_up(event):
                        delivery = Delivery(event)
                        yield delivery
                        membership.done(delivery)
        finally:
            with suppress(httpx.TransportError, Problem):
                for call in membership.leave():
                    self._ask(call)

    def _ask(self, call: Call) -> Any:
        call = self._own_writes.told_with(call)
        response = self._http.request(call.method, call.path, params=call.query, headers=call.headers, json=call.body)
        if response.is_error:
            problem = _problem(response)
            self._own_writes.note_problem(problem)
            raise problem
        self._own_writes.note(call, response.headers)
        return response.json() if response.content else None


def _problem(response: httpx.Response) -> Problem:
    try:
        return core.problem(response.status_code, response.json())
    except ValueError:
        return core.problem(response.status_code, response.text[:1_000])
