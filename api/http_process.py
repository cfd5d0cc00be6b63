"""A process that answers requests."""

import socket

import uvicorn

from api.bootstrap import open_services, read_settings
from api.logs import set_up_logging
from api.main import create_app, with_lean_routes
from api.protocol import StrictProtocol
from api.rate_limit import limits_of


def run(fd: str) -> None:
    """Answer requests on a listening socket that the parent opened."""
    settings = read_settings()
    set_up_logging(settings.log_level)
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
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(fd))])
