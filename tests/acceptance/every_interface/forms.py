"""Credentials in every form in which a request can carry them, and in every state that they can be in."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import psycopg
from fastapi import FastAPI

from api.app import create_app
from api.bootstrap import open_services, run_projector
from api.dialects.carriyo.security import AUDIENCE
from api.dialects.dintero.security import audience_of
from api.http.opening import Opening, OpenServices
from api.services import Services
from application.access.credentials import NewKey

Headers = Mapping[str, str]

FORMS = ("Basic", "bearer", "bearer and headers", "Carriyo's token and headers", "Dintero's token")

ACCEPTED: Mapping[str, frozenset[str]] = {
    "HTTPBearer": frozenset({"bearer", "bearer and headers"}),
    "ShoplineToken": frozenset({"bearer", "bearer and headers"}),
    "SendcloudKeys": frozenset({"Basic"}),
    "CarriyoToken": frozenset({"bearer and headers", "Carriyo's token and headers"}),
    "CarriyoApiKey": frozenset(),
    "CarriyoTenant": frozenset(),
    "DinteroToken": frozenset({"bearer", "bearer and headers", "Dintero's token"}),
    "DinteroClient": frozenset({"Basic"}),
}
"""Security scheme of the OpenAPI document -> the forms that it accepts."""

END = {
    "revoked": "UPDATE ordertrail.credentials SET revoked_at = now() WHERE key_id = %s",
    "expired": "UPDATE ordertrail.credentials SET expires_at = now() - interval '1 second' WHERE key_id = %s",
}


class Shop(NamedTuple):
    """A tenant."""

    name: str
    account: str


@dataclass
class Office:
    """Issues credentials of an installation. It remembers those that it issued."""

    dsn: str
    owner: Services
    app: FastAPI
    _issued: dict[tuple[Shop, tuple[str, ...], str], Mapping[str, Headers]] = field(default_factory=dict)

    async def forms(self, shop: Shop, *scopes: str, state: str = "right") -> Mapping[str, Headers]:
        """Return the headers of a credential in each form. Its state is right, wrong, stale, revoked or expired."""
        asked = (shop, scopes, state)
        if asked not in self._issued:
            self._issued[asked] = await self._issue(*asked)
        return self._issued[asked]

    async def _issue(self, shop: Shop, scopes: tuple[str, ...], state: str) -> Mapping[str, Headers]:
        key = await self.owner.credentials.create_key(shop.name, scopes=scopes, name="Matrix")
        access, seconds = self.owner.access, -10 if state == "stale" else 600
        caller = await access.by_secret(key.key_id, key.secret)
        carriyo, dintero = (
            access.issue(caller, seconds=seconds, audience=audience)
            for audience in (AUDIENCE, audience_of(shop.account))
        )
        if state == "wrong":
            key, carriyo, dintero = key._replace(secret=_other(key.secret)), _other(carriyo), _other(dintero)
        if state in END:
            async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
                await connection.execute(END[state], [key.key_id])
        return _headers(shop, key, carriyo, dintero)


def _headers(shop: Shop, key: NewKey, carriyo: str, dintero: str) -> Mapping[str, Headers]:
    pair = base64.b64encode(f"{key.key_id}:{key.secret}".encode()).decode()
    names = {"x-api-key": key.key_id, "tenant-id": shop.name}
    bearer = {"Authorization": f"Bearer {key.token}"}
    return {
        "Basic": {"Authorization": f"Basic {pair}"},
        "bearer": bearer,
        "bearer and headers": {**bearer, **names},
        "Carriyo's token and headers": {"Authorization": f"Bearer {carriyo}", **names},
        "Dintero's token": {"Authorization": f"Bearer {dintero}"},
    }


def _other(secret: str) -> str:
    """Return a secret that differs in its middle; the last digit of a signature may say nothing."""
    middle = len(secret) - 20
    return secret[:middle] + ("A" if secret[middle] != "A" else "B") + secret[middle + 1 :]


@asynccontextmanager
async def an_office(dsn: str) -> AsyncIterator[Office]:
    """Serve the application and project its views within this process, and yield the office of its installation."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[OpenServices]:
        yield partial(open_services, dsn)

    app = create_app(lambda: Opening(begin), max_body_bytes=2**20)
    async with app.router.lifespan_context(app), open_services(dsn, as_owner=True) as owner:
        projecting = asyncio.create_task(run_projector(dsn))
        yield Office(dsn, owner, app)
        projecting.cancel()
        await asyncio.wait({projecting})
