"""A process that answers requests."""

import socket
from datetime import timedelta

import uvicorn

from api.bootstrap import open_services, read_settings
from api.collector import REQUEST_ALLOCATIONS, collect_less_often
from api.logs import set_up_logging
from api.main import create_app, with_lean_routes
from api.protocol import StrictProtocol
from api.rate_limit import limits_of


def run(dsn: str, listener: socket.socket) -> None:
    """Answer requests on a listening socket, with a migrated database."""
    settings = read_settings()
    set_up_logging(settings.log_level)
    app = create_app(
        lambda: open_services(
            dsn,
            read_wait_seconds=settings.read_wait_seconds,
            contents_url=settings.contents_url,
            masked_headers=settings.masked_headers,
            max_clock_ahead=timedelta(seconds=settings.max_clock_ahead_seconds),
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
    collect_less_often(REQUEST_ALLOCATIONS)
    uvicorn.Server(config).run(sockets=[listener])
