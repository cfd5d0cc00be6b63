"""Who sends a request: found out once for each, before anything of its body is read."""

from collections.abc import Awaitable, Callable, Iterator
from functools import update_wrapper
from inspect import signature
from typing import Any

from fastapi.dependencies.models import Dependant
from starlette.requests import Request
from starlette.types import Scope

from api.http.opening import services_of
from application.access.callers import Caller

_KNOWN = "ordertrail.callers"


class Authentication:
    """A dependency that finds out who sends a request, from its headers alone.

    Routes ask it first: whoever sends no valid credential has sent their body in vain. It remembers its answer with
    the request, so whoever asks again, such as the framework, makes it look nothing up and count nothing twice.
    """

    def __init__(self, determine: Callable[..., Awaitable[Caller]]) -> None:
        """Take a function of the request, the services, and of security schemes, which are for the documentation."""
        self.determine = determine
        """The function itself, for whoever asks once and remembers."""
        self._documented = [name for name in signature(determine).parameters if name not in {"request", "services"}]
        update_wrapper(self, determine)

    async def __call__(self, **arguments: Any) -> Caller:
        known = remembered(arguments["request"].scope)
        caller = known.get(self)
        if caller is None:
            caller = known[self] = await self.determine(**arguments)
        return caller

    async def identify(self, request: Request) -> Caller:
        """Return who sends a request. Raises what the function raises."""
        documented = dict.fromkeys(self._documented)
        return await self(request=request, services=services_of(request), **documented)


def remembered(scope: Scope) -> dict[Authentication, Caller]:
    """Return who is known to send a request; copies of its scope share what comes to be known from then on."""
    known: dict[Authentication, Caller] = scope.setdefault(_KNOWN, {})
    return known


def credentials_of(dependant: Dependant) -> Iterator[Authentication]:
    """Yield the credentials that a route's function takes, or what it takes takes."""
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Authentication):
            yield dependency.call
        yield from credentials_of(dependency)
