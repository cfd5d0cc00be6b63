"""Sends every operation of the OpenAPI document with any credential, by the hot routes and past them."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
from starlette.types import ASGIApp

from api.app import with_hot_routes
from tests.acceptance.every_interface.forms import ACCEPTED, Headers, Office, Shop
from tests.openapi import Operation, address, as_sent, bodies, media_type, operations, query

EXAMPLE_ACCOUNT = "T12345678"
RESOURCES = ("orders", "integrations", "ledger", "shopping", "consumers", "webhooks")

Failure = tuple[str, ...]


class Cell(NamedTuple):
    """One operation with one form of credential, in one of the ways through the application."""

    client: httpx.AsyncClient
    document: dict[str, Any]
    operation: Operation
    form: str

    async def send(self, shop: Shop, headers: Headers) -> httpx.Response:
        """Send the operation's example, about this shop."""
        [body, *_] = bodies(self.operation, self.document)
        text = None if body is None else as_sent(body).replace(EXAMPLE_ACCOUNT, shop.account)
        content_type = {} if text is None else {"Content-Type": media_type(self.operation)}
        return await self.client.request(
            self.operation.method,
            address(self.operation, {"tenant": shop.name}).replace(EXAMPLE_ACCOUNT, shop.account),
            params=query(self.operation),
            content=text,
            headers={**content_type, **headers},
        )

    def unless(self, is_right: bool, what: str, response: httpx.Response) -> list[Failure]:
        """Return what is wrong with the answer in this cell; nothing if it is right."""
        told = (self.operation.method, self.operation.path, self.form, what, str(response.status_code), response.text)
        return [] if is_right else [told]


@asynccontextmanager
async def a_client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://matrix") as client:
        yield client


@asynccontextmanager
async def ways_through(office: Office) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Yield a client of the application as it is served, with its hot routes; and one of it without them."""
    served = with_hot_routes(office.app, max_body_bytes=2**20)
    async with a_client(served) as hot, a_client(office.app) as plain:
        yield [hot, plain]


def accepted_by(operation: Operation) -> frozenset[str]:
    """Return the forms of credentials that an operation takes. A scheme without an entry in ACCEPTED is an error."""
    schemes = [name for alternative in operation.described.get("security", []) for name in alternative]
    return frozenset().union(*(ACCEPTED[name] for name in schemes))


def guarded(document: dict[str, Any]) -> Iterator[Operation]:
    """Yield the operations that ask for a credential."""
    return (each for each in operations(document) if accepted_by(each))


def lacking_scope(response: httpx.Response) -> str | None:
    """Return the scope for which a request was refused."""
    found = re.search(r"lacks the scope ([^\s\"]+)", response.text)
    return found.group(1) if found and response.status_code == 403 else None


async def scopes_of(cell: Cell, office: Office, shop: Shop) -> tuple[str, ...]:
    """Return the scopes that an operation asks for, one after the other."""
    needed: tuple[str, ...] = ()
    while True:
        response = await cell.send(shop, (await office.forms(shop, *needed))[cell.form])
        scope = lacking_scope(response)
        if scope is None or scope in needed:
            return needed
        needed = (*needed, scope)


def all_but(scope: str) -> tuple[str, ...]:
    """Return scopes for everything but this one."""
    verb, _, rest = scope.partition(":")
    resource, _, path = rest.partition(":")
    of_others = [f"admin:{each}" for each in RESOURCES if each != resource]
    of_siblings = [f"{verb}:{resource}:{path}-of-another"] if path else []
    return (*(each for each in ("read", "write") if each != verb), *of_others, *of_siblings)
