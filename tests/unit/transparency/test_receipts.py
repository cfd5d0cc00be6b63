"""Receipts: what was recorded is answered as such, whether its proof can be had or not."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.native.receipts import receipt
from api.services import Services
from application.access.callers import Caller, Tenant
from application.ledger.outcome import Recorded, RecordedRef
from domain.errors import NotSealed, OrdertrailError, Unavailable
from tests.builders import ACME

CALLER = Caller(Tenant(ACME, is_implicit=False, dintero_account=None), "k", "Test", ("admin",))
RECORDED = Recorded(
    (RecordedRef("e-7", "order.created", "order-1", 1, 7),), datetime(2026, 3, 1, tzinfo=UTC), is_replayed=False
)


@pytest.mark.parametrize("why", [NotSealed(), Unavailable(), OrdertrailError("The signing key cannot be opened")])
async def test_an_answer_without_a_receipt_says_where_it_will_be(why: Exception) -> None:
    async def fail(*_: Any) -> Any:
        raise why

    services = cast("Services", SimpleNamespace(proofs=SimpleNamespace(of_positions=fail)))

    body, headers = await receipt(services, CALLER, RECORDED, "receipt")

    assert body == {}
    assert headers == {"Link": '</trail/v1/ledger/proofs/inclusion?position=7>; rel="receipt"'}
