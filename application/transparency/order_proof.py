"""The proof of all events of an order. It is as large as the order, so it is made, checked and written page by page."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from pydantic_core import to_json

Proven = dict[str, Any]
"""An event's fields and the hashes that prove it, in a form that JSON can hold."""


class OrderProof(NamedTuple):
    """The proof's head and its first events. The other events are proven when they are asked for."""

    head: dict[str, Any]
    first: Sequence[Proven]
    others: AsyncIterator[Sequence[Proven]]
    has_others: bool

    async def pages(self) -> AsyncIterator[Sequence[Proven]]:
        """Yield the events. This can be done once."""
        yield self.first
        async for page in self.others:
            yield page
            del page  # free it before the next page is made


async def written(head: dict[str, Any], pages: AsyncIterator[Sequence[Proven]]) -> AsyncIterator[bytes]:
    """Yield the parts of a proof's JSON. Some are large."""
    yield to_json(head)[:-1] + b',"events":['
    before = b""
    async for page in pages:
        for event in page:
            yield before
            yield to_json(event)
            before = b","
            del event
        del page  # free it before the next page is made
    yield b"]}"
