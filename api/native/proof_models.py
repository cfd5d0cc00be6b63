"""The models of native requests for proofs, and of their answers."""

from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from api.native.models import IntegrationRecorded, RecordedBody, Strict
from domain.values import MAX_BIGINT, Identifier

Size = Annotated[int, Field(ge=1, le=MAX_BIGINT)]


class CheckpointQuery(Strict):
    """The checkpoint to get."""

    size: Size | None = Field(None, description="The one of so many events; the newest, if left out")


class InclusionQuery(Strict):
    """The event to prove, by its id or its position."""

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
    """Two sizes of the ledger, such as those of two checkpoints."""

    from_: Size = Field(alias="from", examples=[1])
    to: Size = Field(examples=[2])


class ProvenEvent(BaseModel):
    """The parts of an event's leaf, and the hashes that lead from it to the root; bytes are base64."""

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
    """Proves offline, with the public key alone, that events are in the ledger. docs/audit.md tells how to check it."""

    format: str = Field(examples=["ordertrail-proof/v1"])
    checkpoint: str = Field(description="The signed note of the checkpoint that the events are proven against")
    keys: list[str] = Field(description="The installation's keys; believe them only if you know them from elsewhere")
    events: list[ProvenEvent]


class RecordedWithReceipt(RecordedBody):
    """What a request recorded, and its proof if the request asked for it with `Prefer: receipt`."""

    receipt: Proof | None = None


class IntegrationRecordedWithReceipt(IntegrationRecorded):
    """What a request recorded of an integration, and its proof if the request asked for it with `Prefer: receipt`."""

    receipt: Proof | None = None


class ConsistencyProof(BaseModel):
    """Proves that the ledger of the size `to` begins with the whole ledger of the size `from`."""

    from_: int = Field(alias="from")
    to: int
    proof: list[str]
