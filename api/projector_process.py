"""A process that keeps the views up to date."""

import asyncio
import signal

import uvloop

from api.bootstrap import read_settings, run_projector
from api.collector import BATCH_ALLOCATIONS, collect_less_often
from api.logs import set_up_logging


def run(dsn: str) -> None:
    """Keep the views of a migrated database up to date."""
    set_up_logging(read_settings().log_level)

    async def until_told() -> None:
        task = asyncio.create_task(run_projector(dsn))
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, task.cancel)
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and (error := task.exception()):
            raise error

    collect_less_often(BATCH_ALLOCATIONS)
    uvloop.run(until_told())
