"""Bulk loads in the native interface: events of many orders and integrations in one body of any length."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.requests import ClientDisconnect

from api.http.accept import BATCH, NDJSON
from api.http.parts import answer, document
from api.http.problems import Fault, InvalidRequest, TooLarge, UnsupportedMediaType, problem_of
from api.http.reading.bodies import json_of
from api.http.reading.codings import Undecodable, coding_of, decoded_pieces
from api.http.reading.query import Digits
from api.http.requests import Json, NativeRoute, ServicesDep, media_type_of
from api.native.errors import RESPONSES, ProblemDetails, details_of
from api.native.following.ingest_chunks import Chunk, Lines, chunks_of, lines_of
from api.native.following.ingest_lines import LineReader
from api.native.following.streams import reader_of, streams_of
from api.native.models import Strict
from api.native.security import CallerDep
from api.services import Services
from application.access.callers import Caller, authorise
from application.delivery.follower import End
from application.orders.bulk import BulkLoad, Prepared
from application.orders.refused_lines import RefusedLine
from application.runtime.garbage import searched_seldom
from application.runtime.request_context import renew
from domain.errors import OrdertrailError, Unauthenticated, Unavailable
from domain.values import MAX_BIGINT

PATH = "/trail/v1/events"
LINES = {NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines"}
SHOWN = 100
"""How many refused lines the answer itself holds."""
MOST_REFUSED = 100_000
"""How many refused lines end a load: it is not what it should be."""
LONGEST_SECONDS = 24 * 3_600.0


class AnyLengthRoute(NativeRoute):
    """A route whose body may have any length: it is never held as a whole."""

    max_body_bytes = sys.maxsize


class RefusedLoadLine(ProblemDetails):
    """A line that was not recorded, and why."""

    line: int
    event_id: str | None = None


class Loaded(BaseModel):
    """What became of a load. Blank lines are counted as lines, and are nothing else."""

    lines: int
    recorded: int = Field(description="Events that are new")
    repeated: int = Field(description="Events that were recorded before, by their ids")
    refused: int
    position: int = Field(description="The position of the last of them in the ledger; 0 if there is none")
    refusals: list[RefusedLoadLine] = Field(description=f"The first {SHOWN} refused lines")
    all_refusals: str | None = Field(description="Where all refused lines are for a week; null if there are none")


class RefusedPage(BaseModel):
    """Refused lines of a load, in the order of their lines."""

    items: list[RefusedLoadLine]
    next: int | None = Field(description="The `after` of the next page; null on the last")


class RefusedQuery(Strict):
    """Which refused lines to list."""

    after: Digits = Field(0, ge=0, le=MAX_BIGINT, description="`next` of the page before")
    limit: Digits = Field(1_000, ge=1, le=1_000)


_EXAMPLE = (
    '{"order_id": "A-1001", "type": "order.status_updated", "data": {"status": "confirmed"}, "event_id": "e-1"}\n'
    '{"order_id": "A-1001", "type": "order.comment_added", "data": {"text": "Paid by card"}, "event_id": "e-2"}\n'
)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            NDJSON: {
                "schema": {"type": "string", "description": "An event a line, native or a CloudEvent"},
                "example": _EXAMPLE,
            },
            BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}

router = APIRouter(prefix="/trail/v1", tags=["Native"], route_class=AnyLengthRoute, responses=RESPONSES)


@router.post("/events", response_model=Loaded, summary="Load events in bulk", openapi_extra=_BODY)
async def load_events(request: Request, caller: CallerDep, services: ServicesDep) -> Json:
    """Record events of many orders and integrations, a line each, in a body of any length (gzip, zstd).

    Each line is recorded by itself: `{"order_id" or "integration_id", "type", "data", "event_id"?, …}` or a CloudEvent.
    Events of one order keep their order. Lines with an `event_id` are recorded once, so an interrupted load is sent
    again as it is. The answer comes when the body has been read.
    """
    authorise(caller, "write:orders")  # events of integrations need write:integrations as well
    chunks = _chunks(request, LineReader(caller, services.secret_headers))
    upload = Upload(caller, services)
    streams = streams_of(request)
    with streams.opened(upload, *reader_of(request, services, None), seconds=LONGEST_SECONDS), searched_seldom():
        loaded = await upload.take(chunks)
    return Json(loaded.model_dump_json(exclude_unset=True).encode(), headers=_headers(loaded))


@router.get("/events/refused/{load_id}", response_model=RefusedPage, summary="List a load's refused lines")
async def list_refused(
    load_id: Annotated[str, Path(pattern=r"^[0-9a-f]{24}$", examples=["0123456789abcdef01234567"])],
    query: Annotated[RefusedQuery, Query()],
    caller: CallerDep,
    services: ServicesDep,
) -> Json:
    """Return the lines of a load that were refused, and why. They are kept for a week."""
    authorise(caller, "read:orders")
    tenant = caller.tenant.name
    lines = await services.refused_lines.read(tenant, load_id, after=query.after, limit=query.limit)
    following = lines[-1].line if len(lines) == query.limit else None
    return answer(document("items", [line.refusal.encode() for line in lines], next=following), headers={})


def _headers(loaded: Loaded) -> dict[str, str]:
    return {"Ordertrail-Position": str(loaded.position)} if loaded.position else {}


class Upload:
    """A load that is being received."""

    def __init__(self, caller: Caller, services: Services) -> None:
        self._tenant = caller.tenant.name
        self._services = services
        self._load = BulkLoad(
            caller.tenant,
            services.store,
            services.orders,
            services.integrations,
            services.bodies,
        )
        self._id = secrets.token_hex(12)
        self._why: End | None = None
        self._shown: list[RefusedLoadLine] = []
        self._refused = 0

    def end(self, why: End) -> None:
        self._why = why

    async def take(self, chunks: AsyncIterator[Chunk]) -> Loaded:
        """Record all chunks. While one is recorded, the next is read, and no more than that."""
        recording: asyncio.Task[None] | None = None
        lines = 0
        try:
            async for chunk in chunks:
                self._require_open()
                renew()
                prepared = await self._load.prepare(chunk.told)
                if recording is not None:
                    await recording
                lines = chunk.lines
                recording = asyncio.create_task(self._record(prepared, chunk.refused))
        finally:
            if recording is not None:
                await recording
        told = self._load.told
        return Loaded(
            lines=lines,
            recorded=told.recorded,
            repeated=told.repeated,
            refused=self._refused,
            position=told.position,
            refusals=self._shown,
            all_refusals=f"{PATH}/refused/{self._id}" if self._refused else None,
        )

    async def _record(self, prepared: Prepared, refused: Sequence[tuple[int, OrdertrailError]]) -> None:
        await self._load.tell(prepared)
        told = [(line.number, line.event.event_id, why) for line, why in self._load.told.refused]
        self._load.told.refused.clear()
        await self._keep([*told, *((number, None, why) for number, why in refused)])

    async def _keep(self, refused: Sequence[tuple[int, str | None, OrdertrailError]]) -> None:
        if not refused:
            return
        lines = [_refused(*line) for line in sorted(refused, key=lambda line: line[0])]
        self._refused += len(lines)
        self._shown += lines[: SHOWN - len(self._shown)]
        rows = [RefusedLine(line.line, line.model_dump_json(exclude_unset=True)) for line in lines]
        await self._services.refused_lines.keep(self._tenant, self._id, rows)
        if self._refused > MOST_REFUSED:
            raise InvalidRequest(
                Fault(
                    ("body",),
                    f"has more than {MOST_REFUSED:,} lines that are refused; why, you find under "
                    f"{PATH}/refused/{self._id}",
                    "too_many_refused",
                )
            )

    def _require_open(self) -> None:
        if self._why is End.CREDENTIAL_ENDED:
            raise Unauthenticated(f"{self._why.sentence} while the load was received")
        if self._why is not None:
            raise Unavailable("This server is shutting down; send the same load again", is_told=True)


def _refused(line: int, event_id: str | None, why: OrdertrailError) -> RefusedLoadLine:
    details = details_of(problem_of(why)).model_dump(exclude_defaults=True)
    return RefusedLoadLine(line=line, **({"event_id": event_id} if event_id else {}), **details)


async def _chunks(request: Request, reader: LineReader) -> AsyncIterator[Chunk]:
    media_type = media_type_of(request.headers.getlist("content-type"))
    coding = coding_of(request.headers.getlist("content-encoding"))
    # Not the stream of a strict request, which bounds the whole body.
    pieces = decoded_pieces(Request(request.scope, request.receive).stream(), coding)
    try:
        if media_type in LINES:
            async for chunk in chunks_of(lines_of(pieces), reader):
                yield chunk
        elif media_type == BATCH:
            async for chunk in chunks_of(await _batch(request, pieces), reader):
                yield chunk
        else:
            raise UnsupportedMediaType(f"Send the body with the header Content-Type: {NDJSON}, or {BATCH}")
    except Undecodable as exc:
        raise InvalidRequest(Fault(("body",), str(exc), "coding_invalid")) from exc
    except ClientDisconnect as exc:
        raise InvalidRequest(Fault(("body",), "was cut off; send it again", "cut_off")) from exc


async def _batch(request: Request, pieces: AsyncIterator[bytes]) -> AsyncIterator[Lines]:
    """Return the events of an array, which is held as a whole and so is bounded as other bodies are."""
    limit, body = request.app.state.max_body_bytes, bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > limit:
            raise TooLarge(f"A batch may have {limit} bytes; lines may have any number of them")
    try:
        events: Any = json_of(bytes(body))
    except ValueError as exc:
        raise InvalidRequest(Fault(("body",), f"is not JSON: {exc}", "json_invalid")) from exc
    if not isinstance(events, list):
        raise InvalidRequest(Fault(("body",), "is no array of events", "list_type"))
    return _each(events)


async def _each(events: Sequence[Any]) -> AsyncIterator[Lines]:
    for event in events:
        yield [to_json(event)]
