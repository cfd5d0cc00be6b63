"""The erasures that were done: whose keys were destroyed, when, and on whose behalf."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pydantic import TypeAdapter

from domain.values import TenantName


class Erased(NamedTuple):
    """A subject whose key was destroyed: an order, an integration or a person, by the name of its stream."""

    tenant: TenantName
    subject: str
    at: datetime
    by: str


class ErasureRegister(Protocol):
    """Knows the erasures of a database. Every method raises Unavailable."""

    async def of_tenant(self, tenant: TenantName) -> Sequence[Erased]:
        """Return a tenant's erasures by subject."""


_ERASED: TypeAdapter[Erased] = TypeAdapter(Erased)


def erased_of(document: Any) -> Erased:
    """Return the erasure that a line of a list of erasures holds. Raises ValueError."""
    return _ERASED.validate_python(document)
