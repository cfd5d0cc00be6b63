"""Python's search for garbage, which batches of many objects need less often: they free their objects by themselves."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

BATCH_ALLOCATIONS = 50_000
"""After so many allocations Python looks for garbage while batches are processed."""

_usual: list[int] = []
"""What was set before the first of the batches that are processed now; once for each."""


@contextmanager
def searched_seldom() -> Iterator[None]:
    """Let Python look for garbage less often as long as this context, or another of its kind, lasts."""
    usual = _usual[0] if _usual else gc.get_threshold()[0]
    _usual.append(usual)
    gc.set_threshold(max(usual, BATCH_ALLOCATIONS))
    try:
        yield
    finally:
        _usual.pop()
        if not _usual:
            gc.set_threshold(usual)
