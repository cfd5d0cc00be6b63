"""What a dialect gives the application: its routes, and its form of an error."""

from collections.abc import Callable
from typing import NamedTuple

from fastapi import APIRouter, Response

from api.problems import Problem


class Dialect(NamedTuple):
    """A vendor's HTTP interface, or our own. prefixes tell which paths are its own, routed or not."""

    name: str
    prefixes: tuple[str, ...]
    router: APIRouter
    render: Callable[[Problem], Response]
