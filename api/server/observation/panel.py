"""The numbers that all processes of a server count, in memory that they share."""

import asyncio
from typing import Any

from api.server.child import PROCESSES
from application.runtime.measures import MEASURES, SIZE

LOOK_SECONDS = 1.0


class Panel:
    """Holds the numbers of so many processes. What a process has counted stays when another takes its place."""

    def __init__(self, processes: int) -> None:
        self._arrays: list[Any] = [PROCESSES.RawArray("d", SIZE) for _ in range(processes)]

    def use(self, process: int) -> None:
        """Count in the numbers of this process from now on."""
        numbers = [memoryview(array).cast("B").cast("d") for array in self._arrays]
        MEASURES.share(numbers[process], numbers)


async def keep_looking() -> None:
    """Note how much there is of everything, now and then, for the processes that are asked."""
    while True:
        MEASURES.look()
        await asyncio.sleep(LOOK_SECONDS)
