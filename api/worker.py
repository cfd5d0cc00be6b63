"""The processes that `ordertrail serve` runs: python -m api.worker http FD | projector."""

import asyncio
import os
import signal
import socket
import sys
import threading

import uvicorn
import uvloop

from api.bootstrap import open_services, read_settings, run_projector
from api.logs import set_up_logging
from api.main import create_app, with_lean_routes
from api.protocol import StrictProtocol
from api.rate_limit import limits_of


def serve_http(fd: int) -> None:
    """Answer requests on a listening socket that the parent opened."""
    settings = read_settings()
    assert settings.dsn is not None
    dsn = settings.dsn
    app = create_app(
        lambda: open_services(
            dsn,
            read_wait_seconds=settings.read_wait_seconds,
            contents_url=settings.contents_url,
            masked_headers=settings.masked_headers,
        ),
        max_body_bytes=settings.max_body_bytes,
        rate_limits=limits_of(settings),
    )
    config = uvicorn.Config(
        with_lean_routes(app, max_body_bytes=settings.max_body_bytes),
        loop="uvloop",
        http=StrictProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)])


def project() -> None:
    """Keep the views up to date."""
    settings = read_settings()
    assert settings.dsn is not None

    async def until_told(dsn: str) -> None:
        task = asyncio.create_task(run_projector(dsn))
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, task.cancel)
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and (error := task.exception()):
            raise error

    uvloop.run(until_told(settings.dsn))


def _leave_with_parent() -> None:
    """Leave when the parent does, however it does: our standard input is a pipe that only it holds open."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def main(arguments: list[str]) -> None:
    """Be the process that the arguments name."""
    set_up_logging(read_settings().log_level)
    _leave_with_parent()
    match arguments:
        case ["http", fd]:
            serve_http(int(fd))
        case ["projector"]:
            project()
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
