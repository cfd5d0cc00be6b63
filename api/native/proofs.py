"""Native proofs: a ledger's checkpoints, and the proofs against them."""

from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field, model_validator

from api.http.parts import answer, in_pieces
from api.http.problems import Fault, InvalidRequest
from api.http.reading.json_text import to_json
from api.http.reading.query import Digits
from api.http.requests import Json, NativeRoute, ServicesDep, read
from api.native.errors import RESPONSES
from api.native.models import IntegrationRecorded, OrderId, RecordedBody, Strict
from api.native.security import CallerDep
from application.access.callers import authorise
from application.transparency.order_proof import written
from domain.values import MAX_BIGINT, Identifier, TenantName

Size = Annotated[Digits, Field(ge=1, le=MAX_BIGINT)]


class CheckpointQuery(Strict):
    """Which checkpoint to get."""

    size: Size | None = Field(None, description="The one of so many events; the newest, if left out")


class InclusionQuery(Strict):
    """Which event to prove, by its id or its position."""

    event_id: Identifier | None = None
    position: Size | None = Field(None, examples=[1])
    size: Size | None = Field(
        None, description="Against the checkpoint of so many events; the first that covers it, if left out"
    )

    @model_validator(mode="after")
    def _one_name(self) -> "InclusionQuery":
        if (self.event_id is None) == (self.position is None):
            raise ValueError("name the event by event_id or by position")
        return self


class ConsistencyQuery(Strict):
    """Between which sizes of the ledger, such as those of two checkpoints."""

    from_: Size = Field(alias="from", examples=[1])
    to: Size = Field(examples=[2])


class ProvenEvent(BaseModel):
    """The fields of an event's leaf, and the hashes that lead from it to the root; bytes are base64."""

    tenant: str
    position: int
    stream: str
    version: int
    event_id: str
    type: str
    occurred_at: str
    recorded_at: str
    data: str
    metadata: str
    proof: list[str]


class Proof(BaseModel):
    """Shows offline, with the public key alone, that events are in the ledger: docs/audit.md tells how to check it."""

    format: str = Field(examples=["ordertrail-proof/v1"])
    checkpoint: str = Field(description="The signed note of the checkpoint that the events are proven against")
    keys: list[str] = Field(description="The installation's keys; believe them only if you know them from elsewhere")
    events: list[ProvenEvent]


class RecordedWithReceipt(RecordedBody):
    """What a request recorded, and the proof of it if it was asked for with `Prefer: receipt`."""

    receipt: Proof | None = None


class IntegrationRecordedWithReceipt(IntegrationRecorded):
    """What a request recorded of an integration, and the proof of it if it was asked for with `Prefer: receipt`."""

    receipt: Proof | None = None


class ConsistencyProof(BaseModel):
    """Shows that the ledger of the size `to` begins with all of that of `from`."""

    from_: int = Field(alias="from")
    to: int
    proof: list[str]


router = APIRouter(prefix="/trail/v1", tags=["Native"], route_class=NativeRoute, responses=RESPONSES)

TenantOfKeys = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,63}$", examples=["acme"])]


@router.get(
    "/ledger/checkpoint",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {"example": "ordertrail/5f0c…/acme\n17\nCsUYap…=\n\n— ordertrail/… Az3…=\n"}}}
    },
    summary="Get a signed checkpoint",
)
async def get_checkpoint(
    query: Annotated[CheckpointQuery, Query()], caller: CallerDep, services: ServicesDep
) -> PlainTextResponse:
    """Return a checkpoint as a signed note (C2SP tlog-checkpoint). Keep it: later ledgers must continue it."""
    authorise(caller, "read:ledger")
    return PlainTextResponse(await services.proofs.checkpoint(caller.tenant.name, query.size))


@router.get(
    "/ledgers/{tenant}/keys",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": "ordertrail/5f0c…/acme+1a2b3c4d+AZ7P…=\n"}}}},
    summary="Get the public keys of a ledger",
)
async def get_keys(tenant: TenantOfKeys, services: ServicesDep) -> PlainTextResponse:
    """Return all keys that a tenant's checkpoints were ever signed with, the oldest first, in C2SP's form.

    The keys are public, so no credential is needed. The answer does not tell whether the tenant exists.
    """
    verifiers = await services.proofs.verifiers(TenantName(tenant))
    return PlainTextResponse("".join(f"{verifier}\n" for verifier in verifiers))


@router.get("/ledger/proofs/inclusion", response_model=Proof, summary="Prove that an event is in the ledger")
async def get_inclusion(query: Annotated[InclusionQuery, Query()], caller: CallerDep, services: ServicesDep) -> Json:
    """Return an event as it is stored, and the proof that it is in the signed ledger."""
    authorise(caller, "read:ledger")
    proof = await services.proofs.of_event(
        caller.tenant.name, event_id=query.event_id, position=query.position, size=query.size
    )
    return answer([to_json(proof)], headers={})


@router.get(
    "/ledger/proofs/consistency",
    response_model=ConsistencyProof,
    summary="Prove that a ledger continues an earlier one",
)
async def get_consistency(
    query: Annotated[ConsistencyQuery, Query()], caller: CallerDep, services: ServicesDep
) -> Json:
    """Return the proof that the checkpoint `to` continues the checkpoint `from`: nothing in it was changed."""
    authorise(caller, "read:ledger")
    if query.to < query.from_:
        raise InvalidRequest(Fault(("query", "to"), "is smaller than from", "order"))
    found = await services.proofs.consistency(caller.tenant.name, query.from_, query.to)
    proof = [b64encode(hash_).decode() for hash_ in found.proof]
    return Json({"from": found.old_size, "to": found.new_size, "proof": proof})


@router.get("/orders/{order_id}/proofs", response_model=Proof, summary="Prove all events of an order at once")
async def get_order_proofs(order_id: OrderId, caller: CallerDep, services: ServicesDep) -> Response:
    """Return all events of an order as they are stored, and the proof of each, all for one checkpoint."""
    authorise(caller, "read:orders")
    headers = await read(services, caller, "order_state")
    found = await services.queries.find_order(caller.tenant.name, order_id)
    proof = await services.proofs.of_order(caller.tenant.name, found.order_id)
    parts = written(proof.head, proof.pages())
    if proof.has_others:
        return StreamingResponse(in_pieces(parts), media_type="application/json", headers=headers)
    return answer([part async for part in parts], headers=headers)
