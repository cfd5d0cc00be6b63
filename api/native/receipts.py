"""Receipts: an answer holds the proof of what its request recorded, if the request asks for it (Prefer, RFC 7240)."""

import logging
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Header

from api.services import Services
from application.access.callers import Caller
from application.ledger.outcome import Recorded
from application.transparency.tree import Range
from domain.errors import NotSealed, OrdertrailError

_log = logging.getLogger(__name__)

Prefer = Annotated[
    str | None,
    Header(
        alias="Prefer", description="`receipt`: answer with the proof of what was recorded, as soon as it is sealed"
    ),
]


async def receipt(
    services: Services, caller: Caller, result: Recorded, prefer: str | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return additions to an answer's body and headers, if the request asks for a receipt.

    The events are durable either way. An answer without a receipt links to the place where its proof will be.
    """
    if prefer is None or not _asks_for_receipt(prefer):
        return {}, {}
    last = result.position
    try:
        proof = await services.proofs.of_positions(caller.tenant.name, *_runs([e.position for e in result.events]))
    except OrdertrailError as error:
        if not isinstance(error, NotSealed):
            _log.warning("Tenant %s gets no receipt: %s", caller.tenant.name, error)
        return {}, {"Link": f'</trail/v1/ledger/proofs/inclusion?position={last}>; rel="receipt"'}
    return {"receipt": proof}, {"Preference-Applied": "receipt"}


def _runs(positions: Sequence[int]) -> list[Range]:
    """Return ascending positions as runs. Between events that were sent again, there may be others."""
    runs: list[Range] = []
    for position in positions:
        if runs and runs[-1].end == position:
            runs[-1] = Range(runs[-1].start, position + 1)
        else:
            runs.append(Range(position, position + 1))
    return runs


def _asks_for_receipt(prefer: str) -> bool:
    return any(preference.partition(";")[0].strip().lower() == "receipt" for preference in prefer.split(","))
