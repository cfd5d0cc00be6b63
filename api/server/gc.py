"""How often Python looks for garbage in the processes of a server."""

import gc

BATCH_ALLOCATIONS = 50_000
REQUEST_ALLOCATIONS = 10_000


def collect_less_often(allocations: int) -> None:
    """Make the garbage collector of this process run after so many allocations, not after 700.

    The objects of a batch, or of the requests under way, all go when these are done: until then Python would look
    through them over and over, and find nothing.
    """
    gc.freeze()
    gc.set_threshold(allocations)
