"""Our own dialect."""

from api.http.dialect import Dialect
from api.native import (
    asyncapi,
    consumers,
    feed,
    history,
    ingest,
    integrations,
    ledger,
    members,
    orders,
    proofs,
    retention,
    webhook_parked,
    webhooks,
)
from api.native.errors import render

_ROUTERS = tuple(
    part.router
    for part in (
        orders,
        history,
        integrations,
        feed,
        ingest,
        ledger,
        asyncapi,
        proofs,
        retention,
        consumers,
        members,
        webhooks,
        webhook_parked,
    )
)

DIALECT = Dialect(("/trail",), _ROUTERS, render)
