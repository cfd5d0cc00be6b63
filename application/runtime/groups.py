"""Work on many things, a group at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def groups_of(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield so many items at a time, in their order."""
    for first in range(0, len(items), size):
        yield items[first : first + size]


async def work_on_groups(
    items: Sequence[T], work: Callable[[Sequence[T]], Awaitable[None]], *, size: int, lanes: int
) -> None:
    """Work on groups of so many items, so many groups at a time: while one waits, another goes on.

    Raises an error only after all lanes have ended.
    """
    groups = groups_of(items, size)

    async def go() -> None:
        for group in groups:
            await work(group)

    for error in await asyncio.gather(*(go() for _ in range(lanes)), return_exceptions=True):
        if error is not None:
            raise error
