"""Reads that may be answered from a standby: as far as it shows everything that the read has to show.

A read has to show everything up to the position in its Ordertrail-Position, which answers to writes have; without that
header, up to the ledger's head at this moment. What a standby cannot answer well, for whatever reason, the primary
answers: no request fails because of a standby.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, TypeVar

from fastapi import Header

from api.http.reading.query import Digits
from api.http.requests import forget_freshness
from api.services import Services, Standby
from application.runtime.measures import READS_OF_PRIMARY, READS_OF_STANDBY
from application.views.standby import Standing, wanting
from domain.errors import AccessDenied, BeyondHead, OrdertrailError
from domain.values import MAX_BIGINT

Endpoint = Callable[..., Awaitable[Any]]
E = TypeVar("E", bound=Endpoint)
Arguments = Mapping[str, Any]

PositionHeader = Annotated[
    Digits | None,
    Header(
        alias="Ordertrail-Position",
        ge=0,
        le=MAX_BIGINT,
        description="The position of your own last write. The answer shows everything up to it, and may come from a "
        "standby. Without it, the answer shows everything that was written before.",
    ),
]
_NAME = "shown_position"
_HEADER = Parameter(_NAME, Parameter.KEYWORD_ONLY, default=None, annotation=PositionHeader)


def _never(_arguments: Arguments) -> bool:
    return False


def may_read_standby(*, unless: Callable[[Arguments], bool] = _never) -> Callable[[E], E]:
    """Return what marks an endpoint, below all other marks: its answers may come from a standby.

    The endpoint takes the caller and the services, and gets the Ordertrail-Position header. It must not read any more
    once its answer has begun. unless tells by the endpoint's arguments which requests are for the primary alone.
    """

    def mark(endpoint: E) -> E:
        @wraps(endpoint)
        async def read(*, shown_position: int | None = None, **arguments: Any) -> Any:
            services: Services = arguments["services"]
            standby = None if services.standby is None or unless(arguments) else services.standby
            if standby is not None and standby.state.is_usable:
                return await _answered(endpoint, arguments, standby, shown_position)
            if standby is not None:
                READS_OF_PRIMARY.add()
            if shown_position is not None:
                head = await services.store.head(arguments["caller"].tenant.name)
                await _require_reached(shown_position, head, endpoint, arguments)
            return await endpoint(**arguments)

        parameters = signature(endpoint).parameters.values()
        read.__signature__ = signature(endpoint).replace(parameters=[*parameters, _HEADER])  # type: ignore[attr-defined]
        return read  # type: ignore[return-value]

    return mark


async def _answered(endpoint: Endpoint, arguments: dict[str, Any], standby: Standby, position: int | None) -> Any:
    """Return the standby's answer; the primary's if the standby has none, or only an error."""
    head, number = await standby.standings.standing(arguments["caller"].tenant.name)
    if position is not None:
        await _require_reached(position, head, endpoint, arguments)
    try:
        with wanting(Standing(head if position is None else position, number)):
            answer = await endpoint(**{**arguments, "services": standby.services})
    except Exception:  # the primary knows best: a mistake of ours, or of the client, is one there too
        READS_OF_PRIMARY.add()
        forget_freshness()
        return await endpoint(**arguments)
    READS_OF_STANDBY.add()
    return answer


async def _require_reached(position: int, head: int, endpoint: Endpoint, arguments: dict[str, Any]) -> None:
    """Raise BeyondHead if a position is beyond the ledger's head, but AccessDenied to who may not read this."""
    if position > head:
        try:
            await endpoint(**arguments)
        except AccessDenied:
            raise
        except OrdertrailError:
            pass  # what else is wrong does not matter
        raise BeyondHead(position, head)
