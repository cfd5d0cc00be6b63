"""What a dialect gives the application: its routes, and its form of an error."""

from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.http.lean import Lean
from api.http.problems import Problem


class Dialect(NamedTuple):
    """A vendor's HTTP interface, or our own.

    prefixes tell which paths are its own, routed or not; leans are those of its routes that are asked most.
    """

    prefixes: tuple[str, ...]
    routers: tuple[APIRouter, ...]
    render: Callable[[Problem], Response]
    leans: tuple[Lean, ...] = ()


def of_every_route(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return what any route of a vendor's may answer besides what it says itself, in the vendor's form."""
    return {
        413: {"model": model, "description": "The body is too large"},
        415: {"model": model, "description": "The body is not sent as JSON, or compressed by an unknown coding"},
        500: {"model": model, "description": "Our fault; it is in the log"},
        503: {"model": model, "description": "The database does not do it at the moment; it says why"},
    }
