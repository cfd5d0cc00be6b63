"""One HTTP worker on a database, without a projector beside it: with personal data encrypted, or as it is told."""

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from api import bootstrap
from api.server import http_process
from api.server.observation.panel import Panel
from api.server.pulse import Board, Pulse
from api.services import Services
from application.ledger.port import EventStore
from application.orders.service import OrderService


@asynccontextmanager
async def unencrypted(dsn: str, **settings: Any) -> AsyncIterator[Services]:
    """Connect the application as ever, but write what is personal as it is told."""
    async with bootstrap.open_services(dsn, **settings) as services:
        store: EventStore = services.store._store  # type: ignore[attr-defined]  # noqa: SLF001 what is beneath
        yield replace(services, store=store, orders=OrderService(store, services.queries, services.erasure))


if __name__ == "__main__":
    if sys.argv[2] == "unencrypted":
        http_process.open_services = unencrypted  # type: ignore[attr-defined]
    listener = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    board = Board()
    board.publish(sys.argv[1])
    http_process.run(board, listener, Panel(1), 0, Pulse())
