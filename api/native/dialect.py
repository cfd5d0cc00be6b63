"""Our own dialect."""

from api.http.dialect import Dialect
from api.native import history, integrations, ledger, orders, proofs, retention
from api.native.errors import render
from api.native.following import asyncapi, consumers, feed, ingest, members, webhook_parked, webhooks

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
