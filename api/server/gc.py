"""How often Python looks for garbage in a server's processes."""

import gc

BATCH_ALLOCATIONS = 50_000
REQUEST_ALLOCATIONS = 10_000


def collect_less_often(allocations: int) -> None:
    """Make this process's garbage collector run after so many allocations, instead of after 700.

    The objects of a batch, or of the running requests, all go at their end. Until then, Python would search them again
    and again, and find nothing.
    """
    gc.freeze()
    gc.set_threshold(allocations)
