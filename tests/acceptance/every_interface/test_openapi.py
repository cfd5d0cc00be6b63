"""/docs works without the internet, and every example in it works when it is pasted."""

import base64
import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api.cli.maintenance import create_key, create_tenant
from tests.fix_server import Server
from tests.native import new_id
from tests.openapi import Operation, address, as_sent, bodies, media_type, operations, query

FIRST = [("post", "/trail/v1/orders"), ("put", "/trail/v1/integrations/{integration_id}")]
"""What creates the order and the integration that the examples of the other operations speak of."""
ACCOUNT = "T12345678"
CONSUMER, MEMBER = "/trail/v1/consumers/billing", "billing-1-7f3a"
"""The consumer that the examples of consumers speak of, and its member."""


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    described: dict[str, Any] = httpx.get(f"{server.url}/openapi.json").json()
    return described


class Reader:
    """Somebody who tries examples: a tenant of their own on which nothing has happened yet."""

    def __init__(self, http: httpx.AsyncClient, document: dict[str, Any], key: dict[str, Any]) -> None:
        self._http = http
        self._document = document
        self._key = key
        self._seen: dict[str, Any] = {}
        self._operations = {(operation.method, operation.path): operation for operation in operations(document)}

    async def prepare(self, operation: Operation) -> dict[str, Any]:
        """Create what an operation needs; return what was answered to what made the thing that it is about."""
        collections = [operation.path[: found.start()] for found in re.finditer(r"/\{\w+\}", operation.path)]
        made_by = [("post", path) for path in collections if ("post", path) not in FIRST]
        if operation.method == "delete" and not operation.path.startswith("/trail/v1/webhooks"):
            made_by = [("put", operation.path)]
        answered: dict[str, Any] = {}
        for needed in [*FIRST, *made_by]:
            if needed in self._operations and needed != (operation.method, operation.path):
                for response in await self.attempt(self._operations[needed], {}):
                    assert response.is_success, response.text
                    answered = response.json() if needed in made_by and response.content else {}
        if operation.path.startswith("/trail/v1/consumers/{name}"):
            await self._consume(is_refused="/parked/" in operation.path)
        if operation.path.startswith("/trail/v1/webhooks/{webhook_id}"):
            return await self._hook()
        return answered if isinstance(answered, dict) else {}

    async def _consume(self, *, is_refused: bool) -> None:
        """Make a consumer whose member was handed the order's event, and has refused it."""
        headers = {"Authorization": f"Bearer {self._key['token']}"}
        await self._http.put(CONSUMER, json={"from": "start", "max_failures": 1}, headers=headers)
        fetched = await self._http.post(f"{CONSUMER}/fetch", json={"member": MEMBER}, headers=headers)
        for event in fetched.json()["items"]:
            self._seen = {name: event[name] for name in ("partition", "token", "position")}
            if is_refused:
                refusal = {"member": MEMBER, "refused": [self._seen]}
                await self._http.post(f"{CONSUMER}/acknowledge", json=refusal, headers=headers)

    async def _hook(self) -> dict[str, Any]:
        """Make a webhook that was sent the order's event, in vain: nobody is at the example's address."""
        headers = {"Authorization": f"Bearer {self._key['token']}"}
        new = {"url": "https://shop.example/hooks", "from": "start"}
        made = (await self._http.post("/trail/v1/webhooks", json=new, headers=headers)).json()
        while True:
            attempts = await self._http.get(f"/trail/v1/webhooks/{made['id']}/attempts", headers=headers)
            waiting = await self._http.get(f"/trail/v1/webhooks/{made['id']}", headers=headers)
            if attempts.json()["items"] and waiting.json()["waiting"]:
                return {"webhook_id": made["id"], "attempt_id": attempts.json()["items"][0]["id"]}

    async def attempt(self, operation: Operation, answered: dict[str, Any]) -> list[httpx.Response]:
        """Send an operation with each of its examples in turn."""
        found = bodies(operation, self._document)
        assert found, f"{operation.method} {operation.path} has no example of its body"
        url, headers = self._with_own_account(address(operation, answered)), self._credentials(operation)
        return [
            await self._http.request(
                operation.method,
                url,
                params=query(operation),
                content=None
                if body is None
                else as_sent(await self._with_what_was_seen(url, self._with_own_key(body), headers)),
                headers=headers if body is None else {**headers, "Content-Type": media_type(operation)},
            )
            for body in found
        ]

    def _credentials(self, operation: Operation) -> dict[str, str]:
        """Return the headers that the operation's security schemes ask for; of two for one header, the first."""
        values = {"x-api-key": self._key["key_id"], "tenant-id": self._key["tenant"]}
        pair = base64.b64encode(f"{self._key['key_id']}:{self._key['secret']}".encode()).decode()
        headers: dict[str, str] = {}
        for name in [name for alternative in operation.described.get("security", []) for name in alternative]:
            scheme = self._document["components"]["securitySchemes"][name]
            if scheme["type"] == "apiKey":
                headers[scheme["name"]] = values[scheme["name"]]
            else:
                value = f"Basic {pair}" if scheme["scheme"] == "basic" else f"Bearer {self._key['token']}"
                headers.setdefault("Authorization", value)
        return headers

    async def _with_what_was_seen(self, url: str, body: Any, headers: dict[str, str]) -> Any:
        """Return a body with what no example knows: when the order was last changed, what a member was handed."""
        if isinstance(body, dict) and "acknowledged" in body:
            return {**body, "acknowledged": [self._seen]}
        if not (isinstance(body, dict) and "updated_at" in body):
            return body
        order = await self._http.get(url.rpartition("/")[0], headers=headers)
        return {**body, "updated_at": order.json()["updated_at"]}

    def _with_own_account(self, text: str) -> str:
        """Return a text with the reader's account in it: an account leads to one tenant."""
        return text.replace(ACCOUNT, self._key["account"])

    def _with_own_key(self, body: Any) -> Any:
        """Return a body with the reader's key in it: a credential is the one thing that cannot be pasted."""
        body = json.loads(self._with_own_account(json.dumps(body)))
        own = {"client_id": self._key["key_id"], "client_secret": self._key["secret"]}
        return {**body, **{name: own[name] for name in own if name in body}} if isinstance(body, dict) else body


@asynccontextmanager
async def a_reader(server: Server, document: dict[str, Any]) -> AsyncIterator[Reader]:
    tenant = new_id()
    account = f"T{secrets.randbelow(10**8):08}"
    await create_tenant(server.dsn, tenant, is_implicit=False, dintero_account=account)
    key = await create_key(server.dsn, tenant, scopes=("admin",), name="Reader")
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        yield Reader(http, document, {**key, "account": account})


async def test_every_example_works_when_it_is_pasted(server: Server, document: dict[str, Any]) -> None:
    failed = []

    for operation in operations(document):
        async with a_reader(server, document) as reader:
            answered = await reader.prepare(operation)
            responses = await reader.attempt(operation, answered)
            failed += [
                (operation.method, operation.path, response.status_code, response.text)
                for response in responses
                if not response.is_success
            ]

    assert failed == []


def test_every_operation_says_what_it_is_and_whose(document: dict[str, Any]) -> None:
    for operation in operations(document):
        assert len(operation.described["tags"]) == 1, operation.path
        assert operation.described["summary"], operation.path
        assert any(status.startswith("2") for status in operation.described["responses"]), operation.path
    ids = [operation.described["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_pages_ask_no_other_host_for_anything(server: Server, page: str) -> None:
    html = httpx.get(server.url + page).text

    addresses = re.findall(r"""(?:src|href|spec-url|url)\s*[=:]\s*["']([^"']+)["']""", html)

    assert len(addresses) >= 3
    for found in addresses:
        assert found.startswith("/"), found
        assert not found.startswith("//"), found
        assert httpx.get(server.url + found).status_code == 200, found
