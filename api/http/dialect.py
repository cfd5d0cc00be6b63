"""What a dialect gives the application: its routes, and the form of its errors."""

from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.http.problems import Problem


class Dialect(NamedTuple):
    """A vendor's HTTP interface, or our own.

    prefixes tell which paths belong to it, with a route or without.
    """

    prefixes: tuple[str, ...]
    routers: tuple[APIRouter, ...]
    render: Callable[[Problem], Response]


def of_every_route(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the errors that any of a vendor's routes may answer, in the vendor's form."""
    return {
        413: {"model": model, "description": "The body is too large"},
        415: {"model": model, "description": "The body is not sent as JSON, or compressed by an unknown coding"},
        429: {"model": model, "description": "More requests come than may, or than are answered in time"},
        500: {"model": model, "description": "A fault of the server; its log says more"},
        503: {"model": model, "description": "The database cannot do this at the moment; the detail says why"},
    }
