"""Identifies the sender of a request, once per request and before its body is read."""

from collections.abc import Awaitable, Callable, Iterator
from functools import update_wrapper
from inspect import signature
from typing import Any

from fastapi.dependencies.models import Dependant
from starlette.requests import Request
from starlette.types import Scope

from api.http.opening import services_of
from api.http.reading.headers import Headers
from api.http.tickets import ticket_of
from api.services import Services
from application.access.callers import Caller

_KNOWN = "ordertrail.callers"


class Authentication:
    """A dependency that identifies the sender of a request from its headers alone.

    Routes ask it first, so that no body is read from a sender without a valid credential. It stores its answer with the
    request. If it is asked again, for example by the framework, it looks nothing up and counts nothing twice.
    """

    def __init__(
        self,
        determine: Callable[..., Awaitable[Caller]],
        known: Callable[[Services, Headers], Caller | None] = lambda services, headers: None,
    ) -> None:
        """Take a function of the request, the services, and security schemes. The schemes are for the documentation.

        known returns a sender who was determined a moment ago, or None. It is asked only if no header came twice.
        """
        self._determine = determine
        self._known = known
        parameters = signature(determine).parameters
        self._documented = dict.fromkeys([name for name in parameters if name not in {"request", "services"}])
        update_wrapper(self, determine)

    async def __call__(self, **arguments: Any) -> Caller:
        known = remembered(arguments["request"].scope)
        caller = known.get(self)
        if caller is None:
            caller = known[self] = await self._determine(**arguments)
            _note_owner(arguments["request"].scope, caller)
        return caller

    async def identify(self, request: Request) -> Caller:
        """Return the sender of a request. Raises what the function raises."""
        return await self(request=request, services=services_of(request), **self._documented)

    def known(self, scope: Scope, services: Services, headers: Headers) -> Caller | None:
        """Return what ask does, if the sender was determined a moment ago; None if ask has to be asked.

        No header of the request came twice. Raises what ask raises.
        """
        caller = self._known(services, headers)
        if caller is not None:
            _note_owner(scope, caller)
        return caller

    async def ask(self, request: Request, services: Services) -> Caller:
        """Return what identify does, without storing it with the request, and count the request among its tenant's."""
        caller = await self._determine(request=request, services=services, **self._documented)
        _note_owner(request.scope, caller)
        return caller


def _note_owner(scope: Scope, caller: Caller) -> None:
    """Count the request among its tenant's. Raises ShareTaken if these are too many at the moment."""
    if (ticket := ticket_of(scope)) is not None:
        ticket.belongs_to(caller.tenant.name)


def remembered(scope: Scope) -> dict[Authentication, Caller]:
    """Return the known senders of a request. Copies of its scope share this mapping from then on."""
    known: dict[Authentication, Caller] = scope.setdefault(_KNOWN, {})
    return known


def credentials_of(dependant: Dependant) -> Iterator[Authentication]:
    """Yield the credentials that a route's function takes, directly or through its dependencies."""
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Authentication):
            yield dependency.call
        yield from credentials_of(dependency)
