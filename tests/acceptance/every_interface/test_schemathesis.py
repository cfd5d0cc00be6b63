"""Whatever is sent to any interface, the answer is one that the OpenAPI document tells of, and never our fault."""

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.generation.hypothesis.examples import generate_one
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.cli.maintenance import create_key, create_tenant
from tests.fix_postgres import database
from tests.fix_server import running
from tests.native import amounts

EXAMPLES = 10
"""Requests made up for each operation besides the documented ones, the same in every run; more look further."""
MAX_BODY_BYTES = 2**20
TENANT, ACCOUNT, ORDER, INTEGRATION, CONSUMER = "acme", "T12345678", "A-1001", 123, "billing"
KNOWN = {
    "order_id": ORDER,
    "reference": ORDER,
    "id": ORDER,
    "tenant": TENANT,
    "integration_id": INTEGRATION,
    "aid": ACCOUNT,
    "oid": ACCOUNT,
    "identifier": "0000000000000000001",
    "name": CONSUMER,
    "member": "one",
    "load_id": "0123456789abcdef01234567",
    "attempt_id": "0197e2a4-8c11-7b05-9d3e-0f6d5c1a2b3c",
}
PUBLIC = {"GET /trail/v1/ledgers/{tenant}/keys"}
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(create_app(nullcontext, max_body_bytes=MAX_BODY_BYTES).openapi())  # type: ignore[arg-type]
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
JSON = "application/json"


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context: Any, value: Any) -> bytes:
    """Return a body of lines: a text as it is, anything else as one line of JSON."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


EVERY_OPERATION = pytest.mark.parametrize("label", OPERATIONS)


class Client(NamedTuple):
    """A tenant's program, which knows a key of each kind."""

    url: str
    key: dict[str, Any]

    def credentials(self, label: str) -> dict[str, str]:
        """Return the headers that an operation asks for."""
        schemes = SCHEMA.raw_schema["components"]["securitySchemes"]
        wanted = [schemes[name] for one in OPERATIONS[label].definition.raw.get("security", []) for name in one]
        basic = base64.b64encode(f"{self.key['key_id']}:{self.key['secret']}".encode()).decode()
        is_basic = any(scheme.get("scheme") == "basic" for scheme in wanted)
        return {
            "Authorization": f"Basic {basic}" if is_basic else f"Bearer {self.key['token']}",
            "x-api-key": self.key["key_id"],
            "tenant-id": TENANT,
        }

    def check(self, label: str, case: schemathesis.Case, **request: Any) -> int:
        """Send a request, check that its answer is as documented, and return its status."""
        request = {"headers": self.credentials(label), **request}
        response = case.call(base_url=self.url, **request)
        case.validate_response(response, checks=CONFORMANCE)
        return response.status_code


@pytest.fixture(scope="module")
def client(server_dsn: str, template_name: str) -> Iterator[Client]:
    """A client of a server without rate limits, on which there are an order, an integration and a consumer."""
    with pytest.MonkeyPatch.context() as patch, database(server_dsn, template=template_name) as dsn:
        patch.setenv("ORDERTRAIL_SHOPLINE_RATE", "0")
        patch.setenv("ORDERTRAIL_MAX_BODY_BYTES", str(MAX_BODY_BYTES))
        with running(dsn) as server:
            asyncio.run(create_tenant(dsn, TENANT, is_implicit=False, dintero_account=ACCOUNT))
            key = asyncio.run(create_key(dsn, TENANT, scopes=("admin",), name="Test"))
            headers = {"Authorization": f"Bearer {key['token']}"}
            with httpx.Client(base_url=server.url, headers=headers) as http:
                order = {"order_id": ORDER, "totals": amounts(10**12), "customer": {"id": "c-1"}}
                http.post("/trail/v1/orders", json=order).raise_for_status()
                http.put(f"/trail/v1/integrations/{INTEGRATION}", json={}).raise_for_status()
                http.put(f"/trail/v1/consumers/{CONSUMER}", json={"from": "start"}).raise_for_status()
                hook = http.post("/trail/v1/webhooks", json={"url": "https://shop.example/hooks"})
                KNOWN["webhook_id"] = hook.raise_for_status().json()["id"]
            yield Client(server.url, key)


def known_parameters(label: str) -> dict[str, Any]:
    """Return what an operation's path needs, so that it leads to something."""
    names = [parameter.name for parameter in OPERATIONS[label].path_parameters]
    is_integration = "/integrations/" in label and "/orders/" not in label
    return {name: INTEGRATION if is_integration else KNOWN[name] for name in names if name in KNOWN}


@EVERY_OPERATION
def test_answers_are_as_documented(client: Client, label: str) -> None:
    known = known_parameters(label)
    for example in OPERATIONS[label].get_strategies_from_examples():
        client.check(label, generate_one(example))

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case = data.draw(OPERATIONS[label].as_strategy(generation_mode=mode))
        if mode is GenerationMode.POSITIVE or data.draw(st.booleans()):
            case.path_parameters = {**(case.path_parameters or {}), **known}
        client.check(label, case)

    check()


@EVERY_OPERATION
def test_refusals_are_as_documented(client: Client, label: str) -> None:
    operation = OPERATIONS[label]

    def case(**request: Any) -> schemathesis.Case:
        return operation.Case(path_parameters=known_parameters(label), **request)

    refusals = {200} if label in PUBLIC else {400, 401, 403, 422}
    assert client.check(label, case(), headers={"Authorization": "Bearer nonsense"}) in refusals
    if JSON in {body.media_type for body in operation.body}:
        assert client.check(label, case(body=b"{", media_type=JSON)) in {400, 422}
        assert client.check(label, case(body=b" " * (MAX_BODY_BYTES + 1), media_type=JSON)) == 413
    if operation.body:
        assert client.check(label, case(body="text", media_type="text/plain")) in {400, 415}
