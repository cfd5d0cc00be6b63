"""Cases in which statements are tried on large tables."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Case(NamedTuple):
    """Parameters besides the tenant, and how many rows of large tables a statement may fetch with them."""

    rows: int
    parameters: Mapping[str, Any]


def case(rows: int, **parameters: Any) -> Case:
    return Case(rows, parameters)
