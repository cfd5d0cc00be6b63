"""How often Python looks for garbage in a process that goes through ledgers."""

import gc

ALLOCATIONS = 50_000


def collect_less_often() -> None:
    """Make the garbage collector of this process run after many more allocations than it does by itself."""
    # A batch is tens of thousands of objects, which all go when it is done: until then Python would look through them
    # over and over, and find nothing.
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
