"""HTTP as our workers speak it."""

import asyncio
import sys
from typing import Any, ClassVar

import httptools
from fastapi import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.http.observation.measured import REQUESTS
from api.http.problems import Kind, Problem
from api.http.reading.headers import headers_of
from api.http.request_ids import HEADER, id_of_request, new_request_id
from api.http.tickets import TICKET
from api.native.errors import render
from api.native.following import ingest
from api.server.crowd import Crowd
from api.server.door import Door, is_body_small
from api.server.straight import StraightWay, header_lines
from api.server.transport import OrderlyTransport
from application.runtime.admission import Overloaded, ShareTaken, Ticket

MAX_HEAD = 32 * 1024
"""The largest size in bytes of a request's line and headers together, and of the trailer of a chunked body."""
MAX_PIPELINED = 32
"""How many requests may wait for the answer to the request before them."""
LOOK_SECONDS = 5.0
"""How often a connection is checked. The times in seconds below are exact to this."""
HEAD_SECONDS = 20.0
"""How long a request's head may take to arrive, counted from the answer before it."""
BODY_SECONDS = 20.0
"""How long a body that we wait for may send nothing."""
WHOLE_BODY_SECONDS = 120.0
"""How long a whole body may take to arrive."""
TRY_AGAIN = {"Retry-After": "1"}
LONG_BODIES = frozenset({ingest.PATH})
"""The paths at which it may take any time, as the body has any length."""
ANSWER_SECONDS = 30.0
"""How long a client may take nothing of an answer."""


def protocol_in(crowd: Crowd, door: Door | None = None, straight: StraightWay | None = None) -> type["StrictProtocol"]:
    """Return the protocol for the connections of a worker."""
    return type("Protocol", (StrictProtocol,), {"crowd": crowd, "door": door, "straight": straight})


class _Refused(Exception):
    """The request is refused without being read further."""


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
        self._is_head_too_large = False
        self._partial: RequestResponseCycle | None = None
        """The request that has not fully arrived, and whether its connection is kept afterwards."""
        self._keeps_alive = True
        self._received = b""
        """What came last, while it is looked at."""
        self._offers_upgrade = False
        """Whether the request that is read asks for another protocol: it is read anew, without that."""
        self._watch = _Watch(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(OrderlyTransport(transport, self.loop, self._is_unfinished))  # type: ignore[arg-type]
        self.address = self.client[0] if self.client else ""
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
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        transport: OrderlyTransport = self.transport  # type: ignore[assignment]
        if transport.is_leaving:
            transport.drop(len(data))
            return
        self._watch.received += 1
        self.heard_at = self.loop.time()
        before, size = self.cycle, len(self.cycle.body) if self._partial else 0
        self.unheard += len(data)
        self._received = data
        super().data_received(data)
        self._received = b""
        cycle = self.cycle
        if cycle is not before or (self._partial and len(cycle.body) != size) or self._is_refused:
            self.unheard = 0
        elif self.unheard > MAX_HEAD and not transport.is_leaving:
            self._is_head_too_large = True
            self.send_400_response("")
        if cycle is not None and cycle.more_body is not (self._partial is cycle):
            self._note(cycle)

    def _note(self, cycle: RequestResponseCycle) -> None:
        """Let an answer close the connection as long as its request has not fully arrived."""
        if cycle.more_body:
            self._partial, self._keeps_alive, cycle.keep_alive = cycle, cycle.keep_alive, False
        else:
            self._partial, self.unheard = None, 0
            if not cycle.response_started:
                cycle.keep_alive = self._keeps_alive

    def on_headers_complete(self) -> None:
        if self.unheard > MAX_HEAD and self._head_size() > MAX_HEAD:
            self._is_head_too_large = True
            raise _Refused
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _Refused
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._offers_upgrade = True
            return
        if self.door is None:
            super().on_headers_complete()
        else:
            self._pass(self.door)

    def _pass(self, door: Door) -> None:
        """Let the request in, or refuse it."""
        path = self.url.partition(b"?")[0]
        try:
            self._ticket = door.ticket(self.parser.get_method(), path, self.headers)
        except (Overloaded, ShareTaken) as error:
            self._refuse(door.answer(path.decode("ascii", "replace"), error))
            return
        if self._ticket is not None:
            self.scope["state"][TICKET] = self._ticket
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        straight = self.straight
        # Who refuses a request has put another application in place of the server's.
        if straight is None or app is not self.app or (found := straight.find(cycle)) is None:
            super()._start_asgi_task(cycle, app)
            return
        task = self.loop.create_task(straight.answer(cycle, found, app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _refuse(self, response: Response) -> None:
        """Answer the request at once, instead of the application. What is left of a small body is received, unkept."""
        self._ticket = None
        response.headers[HEADER] = id_of_request(headers_of(self.scope))
        if self.cycle is not None and not self.cycle.response_complete:
            # It has to wait until those before it are answered.
            app, self.app = self.app, response
            super().on_headers_complete()
            self.app = app
            return
        self._is_refused = True
        is_asking = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        is_kept = is_asking and is_body_small(self.headers)
        self._write_response(response, is_last=not is_kept, with_body=self.parser.get_method() != b"HEAD")
        if is_kept:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_body(self, body: bytes) -> None:
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offers_upgrade:
            return
        if self._is_refused:
            self._is_refused, self.unheard = False, 0
            return
        if self._ticket is not None:
            self._ticket.begin()
        super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Read a request that asks for another protocol as if it did not: the parser takes it to have no body.

        Nothing is logged, because clients could fill the log with such requests.
        """
        if not self._offers_upgrade:
            return
        self._offers_upgrade = False
        upgrade = sys.exception()
        assert upgrade is not None
        head = self._head_without_upgrade() + self._received[upgrade.args[0] :]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self._received = head
        super().data_received(head)

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                options = [option for option in value.split(b",") if option.strip().lower() != b"upgrade"]
                lines.append(b"connection: " + b",".join(options))
            elif name != b"upgrade":
                lines.append(b"%b: %b" % (name, value))
        return b"\r\n".join(lines) + b"\r\n\r\n"

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

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _is_unfinished(self) -> bool:
        """Whether the request that was answered last has not fully arrived."""
        return self.cycle is not None and self.cycle.response_complete and self.cycle.more_body


class _Watch:
    """Ends a connection whose client seems to be gone. It checks now and then, not at each request."""

    def __init__(self, protocol: StrictProtocol) -> None:
        self._protocol = protocol
        self._timer: asyncio.TimerHandle | None = None
        self.received = 0
        """How often something was received."""
        self._seen: tuple[object, ...] = ()
        self._since = self._heard_at = self._taken_at = protocol.loop.time()
        self._heard = self._untaken = 0

    def begin(self) -> None:
        self._timer = self._protocol.loop.call_later(LOOK_SECONDS, self._look)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        if self._is_stuck(self._protocol.loop.time()):
            self._protocol.transport.abort()
        else:
            self.begin()

    def _is_stuck(self, now: float) -> bool:
        protocol, cycle = self._protocol, self._protocol.cycle
        is_between = cycle is None or cycle.response_complete
        is_awaited = cycle is None or protocol.unheard > 0
        if self._seen != (seen := (cycle, is_between, is_awaited)):
            self._seen, self._since = seen, now
        if self._heard != self.received or protocol.flow.read_paused:
            self._heard, self._heard_at = self.received, now
        untaken = protocol.transport.get_write_buffer_size()
        if untaken == 0 or untaken != self._untaken:
            self._untaken, self._taken_at = untaken, now
        if now - self._taken_at > ANSWER_SECONDS:
            return True
        if is_between:
            # uvicorn ends a connection on which nothing comes after an answer.
            return is_awaited and untaken == 0 and now - self._since > HEAD_SECONDS
        if not cycle.more_body or protocol.flow.read_paused:  # here we are the slow side
            self._since = now
            return False
        is_long = now - self._since > WHOLE_BODY_SECONDS and cycle.scope["path"] not in LONG_BODIES
        return now - self._heard_at > BODY_SECONDS or is_long
