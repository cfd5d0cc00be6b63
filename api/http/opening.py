"""A worker's services, which open once the database is there; until then, requests are refused with the reason."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from fastapi import Request
from starlette.types import Scope

from api.services import Services
from application.runtime.outage_log import OutageLog
from domain.errors import Misconfigured, Unavailable

_log = logging.getLogger(__name__)

OpenServices = Callable[[], AbstractAsyncContextManager[Services]]
BeginServing = Callable[[], AbstractAsyncContextManager[OpenServices]]
"""Waits for a database, watches over it, and yields a function that opens services on it."""

WAIT_SECONDS = 1.5
"""How long a request waits for a worker that has just started, before it is refused."""
PAUSE_SECONDS = 0.3


class Opening:
    """Opens services when it is entered, trying until they are open, and closes them when it is left."""

    def __init__(
        self,
        begin: BeginServing,
        *,
        on_open: Callable[[], None] = lambda: None,
        on_failure: Callable[[], None] = lambda: None,
        is_needed: Callable[[], bool] = lambda: True,
    ) -> None:
        """If is_needed is false, errors that waiting does not mend are raised instead of tried again."""
        self._begin = begin
        self._on_open = on_open
        self._on_failure = on_failure
        self._is_needed = is_needed
        self._services: Services | None = None
        self._why_not: Exception = Unavailable("The database is not set up yet; try again", is_told=True)
        self._is_tried = asyncio.Event()
        self._is_closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def require(self) -> Services:
        """Return the services. Raises Unavailable, or Misconfigured, while they are not open."""
        if self._services is None:
            raise self._why_not.with_traceback(None)
        return self._services

    async def __aenter__(self) -> "Opening":
        self._task = asyncio.create_task(self._keep_open(), name="services")
        self._task.add_done_callback(self._ended)
        tried = asyncio.create_task(self._is_tried.wait())
        await asyncio.wait({tried, self._task}, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        tried.cancel()
        if self._task.done():
            await self._task
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the services. Raises an error of theirs, unless it only says that there was no database."""
        assert self._task is not None
        self._is_closing.set()
        if self._services is None:
            self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error

    async def _keep_open(self) -> None:
        outage = OutageLog(_log, "The database cannot be used yet", "The database is used now")
        async with self._begin() as open_services:
            while not self._is_closing.is_set():
                try:
                    async with open_services() as services:
                        outage.over()
                        await self._serve(services)
                except (Unavailable, Misconfigured) as error:
                    # A setup that was right when the server was ready may also be mended while we wait.
                    if not (isinstance(error, Unavailable) or self._is_needed()):
                        raise
                    if not (isinstance(error, Unavailable) and error.is_told):
                        outage.failed(error)
                    self._refuse(error)
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _serve(self, services: Services) -> None:
        self._services = services
        self._on_open()
        self._is_tried.set()
        await self._is_closing.wait()

    def _refuse(self, error: Unavailable | Misconfigured) -> None:
        self._services = None
        self._why_not = error
        if isinstance(error, Unavailable):
            error.is_told = True
        self._is_tried.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._on_failure()


def services_of(request: Request) -> Services:
    """Return the services that answer a request. Raises Unavailable, or Misconfigured, while they are not open."""
    return services_in(request.scope)


def services_in(scope: Scope) -> Services:
    """Return the services that answer the request with this scope. Raises what services_of raises."""
    opening: Opening = scope["app"].state.opening
    return opening.require()
