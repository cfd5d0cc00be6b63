"""A process that answers requests."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network

import uvicorn

from api.app import create_app, with_hot_routes
from api.bootstrap import open_services, watching_database
from api.http.exchange import Exchanges
from api.http.opening import Opening, OpenServices
from api.http.rate_limit import limits_of
from api.server.crowd import Crowd, room_for
from api.server.door import Door
from api.server.gc import REQUEST_ALLOCATIONS, collect_less_often
from api.server.observation.logs import set_up_logging
from api.server.observation.observing import observing
from api.server.observation.panel import Panel, keep_looking
from api.server.protocol import protocol_in
from api.server.pulse import Board, Pulse
from api.server.straight import StraightWay
from api.settings import Settings, read_settings
from application.delivery.streams import Streams
from application.runtime.measures import HTTP_CONNECTIONS, HTTP_REQUESTS_UNDER_WAY
from application.runtime.room import Room

KEEP_ALIVE_SECONDS = 75
"""How long a connection may be idle. This is longer than load balancers keep theirs, which is mostly a minute.

We must not be the side that closes first: a request that is on its way at that moment would be lost.
"""


LATE_SECONDS = 6.0
"""How long requests that were accepted may still wait for the database when the worker is told to end."""
END_SECONDS = 10
"""How long they may take in all."""


def run(board: Board, listener: socket.socket, panel: Panel, place: int, pulse: Pulse) -> None:
    """Answer requests on a listening socket, as soon as the database is set up."""
    settings = read_settings()
    set_up_logging(settings)
    panel.use(place)
    room = Room()
    streams = Streams(
        most=settings.max_streams,
        life_seconds=settings.stream_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
    )

    @asynccontextmanager
    async def begin() -> AsyncIterator[OpenServices]:
        dsn = await board.published()
        async with watching_database(dsn) as watch:
            server.on_late = watch.end
            yield partial(
                open_services,
                dsn,
                watch=watch,
                read_wait_seconds=settings.read_wait_seconds,
                bodies_url=settings.bodies_url,
                masked_headers=settings.masked_headers,
                max_clock_ahead=timedelta(seconds=settings.max_clock_ahead_seconds),
                room=room,
            )

    @asynccontextmanager
    async def serving() -> AsyncIterator[Opening]:
        beating, looking = asyncio.create_task(pulse.keep_beating()), asyncio.create_task(keep_looking())
        async with Opening(
            begin, on_open=pulse.say_ready, on_failure=leave, is_needed=lambda: board.was_ready
        ) as opening:
            yield opening
        beating.cancel()
        looking.cancel()

    def leave() -> None:
        server.should_exit = True

    app = create_app(
        serving,
        max_body_bytes=settings.max_body_bytes,
        rate_limits=limits_of(settings),
        room=room,
        public_url=settings.public_url,
        streams=streams,
    )
    with observing(settings) as observe:
        front = with_hot_routes(app, max_body_bytes=settings.max_body_bytes, observe=observe)
        server = _Server(_config(front, settings), streams)
        app.state.is_stopping = lambda: server.should_exit
        collect_less_often(REQUEST_ALLOCATIONS)
        state = server.server_state
        with (
            HTTP_CONNECTIONS.following(lambda: len(state.connections)),
            HTTP_REQUESTS_UNDER_WAY.following(lambda: len(state.tasks)),
        ):
            server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Answers what it has accepted when it is told to end; what cannot be done in time is refused in time."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams
        self.on_late: Callable[[], object] = bool
        """Lets nobody wait for the database any longer."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.close()  # their connections last as long as they do
        late = asyncio.get_running_loop().call_later(LATE_SECONDS, self.on_late)
        try:
            await super().shutdown(sockets)
        finally:
            late.cancel()


def _crowd(settings: Settings) -> Crowd:
    proxies = [ip_network(proxy) for proxy in settings.trusted_proxies]

    @lru_cache(maxsize=1_024)
    def is_trusted(address: str) -> bool:
        return bool(address) and any(ip_address(address) in proxy for proxy in proxies)

    return Crowd(room_for(settings.max_connections), is_trusted)


def _config(app: Exchanges, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol_in(_crowd(settings), Door(queue_seconds=settings.max_queue_seconds), StraightWay(app)),
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
        lifespan="on",
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=END_SECONDS,
    )
