"""HTTP as our workers speak it."""

import asyncio
import logging
from collections import deque
from typing import Any, ClassVar
from urllib.parse import unquote

import httptools
from fastapi import Response
from uvicorn._types import ASGI3Application, HTTPScope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.http.observation.measured import REQUESTS
from api.http.problems import Kind, Problem, problem_of
from api.http.reading.headers import headers_of
from api.http.request_ids import HEADER, new_request_id
from api.http.tickets import TICKET, ticket_of
from api.native.errors import render
from api.server import head
from api.server.connection_watch import ConnectionWatch
from api.server.crowd import Crowd
from api.server.cycle import Cycle
from api.server.door import Door, is_body_small
from api.server.straight import StraightWay, header_lines
from api.server.transport import OrderlyTransport
from application.runtime.admission import Overloaded, ShareTaken, Ticket

_log = logging.getLogger(__name__)

MAX_HEAD = 32 * 1024
"""The largest size in bytes of a request's line and headers together, and of the trailer of a chunked body."""
MAX_PIPELINED = 32
"""How many requests may wait for the answer to the request before them."""
TRY_AGAIN = {"Retry-After": "1"}


def protocol_in(crowd: Crowd, door: Door | None = None, straight: StraightWay | None = None) -> type["StrictProtocol"]:
    """Return the protocol for the connections of a worker."""
    return type("Protocol", (StrictProtocol,), {"crowd": crowd, "door": door, "straight": straight})


class _Refused(Exception):
    """The request is refused without being read further."""


_CLIENTS_FAULTS = (_Refused, UnicodeDecodeError, httptools.HttpParserError)
"""What is raised while a head is taken that cannot be read."""


class StrictProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with bounds on what a client may make us hold, and for how long.

    A request that cannot be read has no path, so it gets an answer in our own form. An answer that is sent before its
    whole request has arrived is the last on its connection, and the rest of the request is not received.
    """

    crowd: ClassVar[Crowd] = Crowd()
    """All connections of the worker."""
    door: ClassVar[Door | None] = None
    """Refuses what the worker cannot answer in time."""
    straight: ClassVar[StraightWay | None] = None
    """Answers the most frequent requests in place of the application."""
    cycle: Cycle
    pipeline: deque[tuple[Cycle, ASGI3Application]]  # type: ignore[assignment]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.address = ""
        self.heard_at = 0.0
        self._ticket: Ticket | None = None
        """The ticket of the request that is received."""
        self._is_refused = False
        """Whether the request that is received was refused already: its body is not kept."""
        self.unheard = 0
        """How many bytes have arrived since the last usable part of a request."""
        self._read_bytes = self._head_bytes = 0
        """How many bytes came in the last read, and in all reads since the one in which the present head began."""
        self._is_head_too_large = False
        self._partial: Cycle | None = None
        """The request that has not fully arrived, and whether its connection is kept afterwards."""
        self._keeps_alive = True
        self._offers_upgrade = False
        """Whether the request that is read asks for another protocol: it is read anew, without that."""
        self._watch = ConnectionWatch(self)
        self._door, self._straight = self.door, self.straight

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(OrderlyTransport(transport, self.loop, self._is_unfinished))  # type: ignore[arg-type]
        self.address = self.client[0] if self.client else ""
        self._common: HTTPScope = {  # type: ignore[typeddict-item]
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
        }
        """What the scopes of all requests on the connection have in common."""
        self.heard_at = self.loop.time()
        if self.crowd.enter(self):
            self._watch.begin()
        else:
            self._say_goodbye(
                Problem(Kind.UNAVAILABLE, "This server has too many connections; try again", headers=TRY_AGAIN)
            )

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def dismiss(self) -> None:
        """Close the connection."""
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self)
        self._watch.end()
        for cycle, _ in self.pipeline:
            # It is not answered any more.
            if (ticket := ticket_of(cycle.scope)) is not None:  # type: ignore[arg-type]
                ticket.rest()
        self.pipeline.clear()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self._keeps_alive = False
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        transport: OrderlyTransport = self.transport  # type: ignore[assignment]
        if transport.is_leaving:
            transport.drop(len(data))
            return
        self.heard_at = self.loop.time()
        self.unheard += len(data)
        self._read_bytes = len(data)
        self._head_bytes += len(data)
        self._parse(data)
        if self.unheard > MAX_HEAD and not transport.is_leaving:
            self._is_head_too_large = True
            self.send_400_response("")
        cycle = self.cycle
        if cycle is not None and cycle.more_body is not (self._partial is cycle):
            self._note(cycle)

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            self._cannot_take(error.__context__)
        except httptools.HttpParserError:
            # Nothing is logged, because clients could fill the log with such requests.
            self.send_400_response("Invalid HTTP request received.")
        except httptools.HttpParserUpgrade as upgrade:
            if self._offers_upgrade:
                self._read_without_upgrade(data[upgrade.args[0] :])

    def _cannot_take(self, error: BaseException | None) -> None:
        """Answer a request whose head could not be taken: it cannot be read, or the fault is ours."""
        if isinstance(error, Exception) and not isinstance(error, _CLIENTS_FAULTS):
            _log.error("A request could not be taken", exc_info=error)
            self._say_goodbye(problem_of(error))
        else:
            self.send_400_response("Invalid HTTP request received.")

    def _note(self, cycle: Cycle) -> None:
        """Let an answer close the connection as long as its request has not fully arrived."""
        if cycle.more_body:
            self._partial, self._keeps_alive, cycle.keep_alive = cycle, cycle.keep_alive, False
        else:
            self._partial, self.unheard = None, 0
            if not cycle.response_started:
                cycle.keep_alive = self._keeps_alive

    # What the parser calls. uvicorn's methods of these names do the same, and besides have a root path, a limit of
    # concurrency, contexts that are reset, and a log of accesses.
    def on_message_begin(self) -> None:
        self._head_bytes = self._read_bytes
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._head_bytes > MAX_HEAD and head.size_of(self.url, self.headers) > MAX_HEAD:
            self._is_head_too_large = True
            raise _Refused
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _Refused
        method = self.parser.get_method().decode("ascii")
        if self.parser.should_upgrade() and method != "CONNECT":
            self._offers_upgrade = True
            return
        self.unheard = 0
        cycle = self._cycle(method)
        if (door := self._door) is not None:
            try:
                self._ticket = door.ticket(method, cycle.scope["raw_path"], cycle.headers)
            except (Overloaded, ShareTaken) as error:
                self._ticket = None
                self._refuse(cycle, door.answer(cycle.scope["raw_path"].decode(), error, cycle.headers))
                return
            cycle.scope[TICKET] = self._ticket  # type: ignore[literal-required]
        self._take(cycle, self.app)

    def _cycle(self, method: str) -> Cycle:
        """Return the request whose head has come."""
        raw_path, query = head.path_and_query(self.url)
        path = raw_path.decode("ascii")
        version = self.parser.get_http_version()
        scope: HTTPScope = {
            **self._common,
            "http_version": version,
            "method": method,
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "state": self.app_state.copy(),
        }
        headers = headers_of(scope)
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        is_asked = b"expect" in headers and head.is_asked_for_body(self.headers)
        return Cycle(self, scope, headers, keep_alive=keep_alive, is_asked=is_asked)

    def _take(self, cycle: Cycle, app: ASGI3Application) -> None:
        """Have a request answered, once those before it are."""
        before, self.cycle = self.cycle, cycle
        if before is None or before.response_complete:
            self._start(cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

    def _start(self, cycle: Cycle, app: ASGI3Application) -> None:
        straight = self._straight
        # Who refuses a request puts another application in place of the server's.
        if straight is not None and app is self.app and (found := straight.find(cycle)) is not None:
            task = self.loop.create_task(straight.answer(cycle, found, app))
        else:
            task = self.loop.create_task(cycle.run_asgi(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _refuse(self, cycle: Cycle, response: Response) -> None:
        """Answer the request at once, instead of the application. What is left of a small body is received, unkept."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._take(cycle, response)  # type: ignore[arg-type]
            return
        self._is_refused = True
        is_kept = cycle.keep_alive and is_body_small(cycle.headers)
        self._write_response(response, is_last=not is_kept, with_body=cycle.scope["method"] != "HEAD")

    def on_body(self, body: bytes) -> None:
        if self._is_refused:
            self.unheard = 0
            return
        cycle = self.cycle
        if cycle.response_complete:
            return
        self.unheard = 0
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.wake()

    def on_message_complete(self) -> None:
        if self._offers_upgrade:
            return
        if self._is_refused:
            self._is_refused, self.unheard = False, 0
            return
        if self._ticket is not None:
            self._ticket.begin()
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.wake()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start(*self.pipeline.pop())

    def _read_without_upgrade(self, rest: bytes) -> None:
        """Read a request that asks for another protocol as if it did not: the parser takes it to have no body.

        rest is what came after its head. Nothing is logged, because clients could fill the log with such requests.
        """
        self._offers_upgrade = False
        anew = head.without_upgrade(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self._parse(anew + rest)

    def send_400_response(self, msg: str) -> None:
        problem = Problem(Kind.MALFORMED, msg)
        if self._is_head_too_large:
            detail = f"A request's line and headers may have {MAX_HEAD} bytes together"
            problem = Problem(Kind.HEAD_TOO_LARGE, detail)
        self._say_goodbye(problem)

    def _say_goodbye(self, problem: Problem) -> None:
        """Send an answer to no request in particular, and close the connection."""
        response = render(problem)
        REQUESTS.observe({}, response.status_code, 0.0)
        # If the request had an id, that could not be read either.
        response.headers.update({**problem.headers, HEADER: new_request_id()})
        self._write_response(response)

    def _write_response(self, response: Response, *, is_last: bool = True, with_body: bool = True) -> None:
        """Send an answer that the application has not made."""
        headers = header_lines(response.raw_headers)
        closing = b"connection: close\r\n" if is_last else b""
        body = bytes(response.body) if with_body else b""
        self.transport.write(b"%b%b%b\r\n%b" % (STATUS_LINE[response.status_code], closing, headers, body))
        if is_last:
            self.transport.leave()  # type: ignore[attr-defined]

    def _is_unfinished(self) -> bool:
        """Whether the request that was answered last has not fully arrived."""
        return self.cycle is not None and self.cycle.response_complete and self.cycle.more_body
