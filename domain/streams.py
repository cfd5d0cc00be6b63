"""The names of streams. Each order, each integration and each person has its own stream."""

from functools import lru_cache
from hashlib import sha256

_ORDER = "order-"
_INTEGRATION = "integration-"
_PERSON = "person-"


def order_stream(order_id: str) -> str:
    """Return the name of an order's stream."""
    return _ORDER + order_id


def order_id_of(stream: str) -> str:
    """Return the id of the order whose stream has this name."""
    return stream.removeprefix(_ORDER)


def integration_stream(integration_id: int) -> str:
    """Return the name of an integration's stream."""
    return f"{_INTEGRATION}{integration_id}"


def integration_id_of(stream: str) -> str:
    """Return the id of the integration whose stream has this name. It is a text, since others may write to such
    streams.
    """
    return stream.removeprefix(_INTEGRATION)


@lru_cache(maxsize=4_096)
def person_stream(person_id: str) -> str:
    """Return the name of a person's stream. It does not contain the id, which may not be fit for a name."""
    return _PERSON + sha256(person_id.encode()).hexdigest()
