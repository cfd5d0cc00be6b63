"""A process that keeps the views up to date."""

import asyncio
import signal

import uvloop

from api.bootstrap import run_projector
from api.server.gc import BATCH_ALLOCATIONS, collect_less_often
from api.server.observation.logs import set_up_logging
from api.server.observation.panel import Panel, keep_looking
from api.server.pulse import Board, Pulse
from api.settings import read_settings


def run(board: Board, panel: Panel, place: int, pulse: Pulse) -> None:
    """Keep the views of a database up to date, as soon as it is set up."""
    set_up_logging(read_settings())
    panel.use(place)

    async def project() -> None:
        await run_projector(await board.published())

    async def until_told() -> None:
        beating = asyncio.create_task(pulse.keep_beating())
        looking = asyncio.create_task(keep_looking())
        task = asyncio.create_task(project())
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, task.cancel)
        await asyncio.gather(task, return_exceptions=True)
        beating.cancel()
        looking.cancel()
        if not task.cancelled() and (error := task.exception()):
            raise error

    collect_less_often(BATCH_ALLOCATIONS)
    uvloop.run(until_told())
