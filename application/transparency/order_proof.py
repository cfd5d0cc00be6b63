"""The proof of all events of an order: as large as the order, so it is made, checked and written a page at a time."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from pydantic_core import to_json

Proven = dict[str, Any]
"""An event's fields with the hashes that prove it, as JSON can hold them."""


class OrderProof(NamedTuple):
    """What an order's events are proven under; the first of them, and the others as they are asked for."""

    head: dict[str, Any]
    first: Sequence[Proven]
    others: AsyncIterator[Sequence[Proven]]
    has_others: bool

    async def pages(self) -> AsyncIterator[Sequence[Proven]]:
        """Yield the events. They can be asked for once."""
        yield self.first
        async for page in self.others:
            yield page
            del page  # before the next is made


async def written(head: dict[str, Any], pages: AsyncIterator[Sequence[Proven]]) -> AsyncIterator[bytes]:
    """Yield the parts of a proof's JSON, large ones among them."""
    yield to_json(head)[:-1] + b',"events":['
    before = b""
    async for page in pages:
        for event in page:
            yield before
            yield to_json(event)
            before = b","
            del event
        del page  # before the next is made
    yield b"]}"
