"""Two tables' rows side by side, by their keys and digests, in the order of the keys."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

Key = tuple[Any, ...]


class KeyDifference(NamedTuple):
    """A key whose rows differ, and where there is a row with it."""

    key: Key
    is_live: bool
    is_rebuilt: bool


async def differences(
    live: AsyncIterator[tuple[Any, ...]], rebuilt: AsyncIterator[tuple[Any, ...]]
) -> AsyncIterator[KeyDifference]:
    """Yield the differences between rows of a key and a digest; both come in the order of their keys.

    Keys are numbers, and texts in the order of their characters, as COLLATE "C" has them.
    """
    ours, theirs = await anext(live, None), await anext(rebuilt, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[:-1] < theirs[:-1]):
            assert ours is not None
            yield KeyDifference(ours[:-1], is_live=True, is_rebuilt=False)
            ours = await anext(live, None)
        elif ours is None or theirs[:-1] < ours[:-1]:
            yield KeyDifference(theirs[:-1], is_live=False, is_rebuilt=True)
            theirs = await anext(rebuilt, None)
        else:
            if ours[-1] != theirs[-1]:
                yield KeyDifference(ours[:-1], is_live=True, is_rebuilt=True)
            ours, theirs = await anext(live, None), await anext(rebuilt, None)
