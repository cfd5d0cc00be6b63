"""Every route, with every form of credential, in every state: the OpenAPI document says which routes there are.

Nothing here names a route's scope: a credential without scopes is told which it lacks. So a route without a rule lets
that credential in, and fails.
"""

import base64
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from api.bootstrap import set_up_database
from api.settings import read_settings
from api.web.security import COOKIE
from tests.acceptance.every_interface.forms import FORMS, Office, Shop, an_office
from tests.acceptance.every_interface.matrix import (
    EXAMPLE_ACCOUNT,
    Cell,
    a_client,
    accepted_by,
    all_but,
    guarded,
    lacking_scope,
    scopes_of,
    ways_through,
)
from tests.fix_postgres import database
from tests.native import ORDERS
from tests.openapi import Operation, operations

of_module = pytest.mark.asyncio(loop_scope="module")

OPEN = {
    ("post", "/oauth/token"): "the credential is in the body",
    ("get", "/trail/v1/ledgers/{tenant}/keys"): "public keys are public",
}
"""The operations that need no credential in the headers, and why."""
OF_ANY_SCOPE = {
    ("post", "/v1/accounts/{oid}/auth/token"): "the token gets no more scopes than the credential has",
    ("get", "/v1/token/info"): "it only says whose the token is",
}
"""The operations that every valid credential opens, and why."""
UNDOCUMENTED = {
    "/healthz": "open: it says that the process answers",
    "/readyz": "open: it names no tenant",
    "/metrics": "open: it names no tenant",
    "/openapi.json": "open: the documentation",
    "/trail/v1/asyncapi.json": "open: the documentation",
    "/docs": "open: the documentation",
    "/docs/oauth2-redirect": "open: the documentation",
    "/redoc": "open: the documentation",
    "/static-offline-docs": "open: the documentation",
    "/orders/{reference}/system-logs/{identifier}/content": "the link has a token of its own",
}
"""The routes that are not in the document, and who may use them."""

OPEN_PAGES = {
    ("GET", "/ui"): "it leads to the orders",
    ("GET", "/ui/sign-in"): "it asks who looks",
    ("POST", "/ui/sign-out"): "it ends a session",
    ("GET", "/ui/style"): "it shows what pages are made of",
    ("GET", "/ui/static/{name}"): "styles and scripts",
}
"""The pages that need no session, and why."""

SHOP, VICTIM = Shop("shop", "T11111111"), Shop("victim", EXAMPLE_ACCOUNT)
VICTIMS_CUSTOMER = "Grace of the victim"


@pytest.fixture(scope="module")
def matrix_dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    with database(server_dsn, template=template_name) as dsn:
        set_up_database(dsn, read_settings())
        yield dsn


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def office(matrix_dsn: str) -> AsyncIterator[Office]:
    """An installation with two tenants, which have an order and an integration of the same ids."""
    async with an_office(matrix_dsn) as office, a_client(office.app) as client:
        for shop, customer in ((SHOP, "Ann"), (VICTIM, VICTIMS_CUSTOMER)):
            await office.owner.credentials.create_tenant(shop.name, is_implicit=False, dintero_account=shop.account)
            headers = (await office.forms(shop, "admin"))["bearer"]
            order = {"order_id": "A-1001", "customer": {"id": "c-9", "name": customer}}
            assert (await client.post(ORDERS, json=order, headers=headers)).status_code == 201
            integration = {"shop_name": customer}
            put = await client.put("/trail/v1/integrations/739283", json=integration, headers=headers)
            assert put.is_success, put.text
        yield office


@pytest.fixture(scope="module")
def document(office: Office) -> dict[str, Any]:
    return office.app.openapi()


@pytest_asyncio.fixture(loop_scope="module")
async def cells(office: Office, document: dict[str, Any]) -> AsyncIterator[Callable[..., list[Cell]]]:
    """Makes the cells of all operations with those forms of credentials that a function of an operation picks."""
    async with ways_through(office) as clients:

        def picked(forms: Callable[[Operation], Iterable[str]]) -> list[Cell]:
            each = [(operation, form) for operation in guarded(document) for form in sorted(forms(operation))]
            return [Cell(client, document, operation, form) for client in clients for operation, form in each]

        yield picked


def test_every_operation_says_what_credential_it_takes(document: dict[str, Any]) -> None:
    open_to_all = {(each.method, each.path) for each in operations(document) if not accepted_by(each)}

    assert open_to_all == OPEN.keys()


def test_it_is_known_who_may_use_the_routes_that_are_not_documented(office: Office) -> None:
    documented = {route.path for route in office.app.routes if isinstance(route, APIRoute) and route.include_in_schema}

    paths = {str(getattr(route, "path", route)) for route in office.app.routes}

    assert {path for path in paths - documented if not is_page(path)} == UNDOCUMENTED.keys()


def is_page(path: str) -> bool:
    return path == "/ui" or path.startswith("/ui/")


@of_module
@pytest.mark.parametrize("session", ["", "x", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"])
async def test_every_page_asks_for_a_session(office: Office, session: str) -> None:
    routes = [each for each in office.app.routes if isinstance(each, APIRoute) and is_page(each.path)]
    pages = [(method, route.path) for route in routes for method in route.methods or ()]
    assert pages
    failures = []

    async with a_client(office.app) as client:
        for method, path in pages:
            cookie = {"Cookie": f"{COOKIE}={session}"} if session else {}
            response = await client.request(method, re.sub(r"{\w+}", "1", path), headers=cookie)
            # 204 tells a browser's stream that there is nothing to wait for.
            is_refused = response.status_code in {204, 401, 403} or (
                response.status_code == 303 and response.headers["location"].startswith("/ui/sign-in")
            )
            if is_refused is ((method, path) in OPEN_PAGES):
                failures.append((method, path, response.status_code))

    assert failures == []


@pytest.mark.parametrize("state", ["none", "wrong", "stale", "revoked", "expired"])
@of_module
async def test_nobody_gets_in_without_a_valid_credential(
    office: Office, cells: Callable[..., list[Cell]], state: str
) -> None:
    forms = {"none": ["none"], "stale": [form for form in FORMS if "token" in form]}.get(state, FORMS)
    sent = {"none": {}} if state == "none" else await office.forms(SHOP, "admin", state=state)
    failures = []

    for cell in cells(lambda operation: forms):
        response = await cell.send(SHOP, sent[cell.form])
        failures += cell.unless(response.status_code == 401, state, response)

    assert failures == []


@of_module
async def test_a_form_that_an_operation_does_not_take_opens_nothing(
    office: Office, cells: Callable[..., list[Cell]]
) -> None:
    sent = await office.forms(SHOP, "admin")
    failures = []

    for cell in cells(lambda operation: set(FORMS) - accepted_by(operation)):
        response = await cell.send(SHOP, sent[cell.form])
        failures += cell.unless(response.status_code in {401, 403}, "of another form", response)

    assert failures == []


@of_module
async def test_every_operation_has_a_rule_and_opens_to_those_who_meet_it(
    office: Office, cells: Callable[..., list[Cell]]
) -> None:
    failures = []

    for cell in cells(accepted_by):
        needed = await scopes_of(cell, office, SHOP)
        response = await cell.send(SHOP, (await office.forms(SHOP, *needed))[cell.form])
        verbs = {"read"} if cell.operation.method == "get" else {"write", "admin"}
        has_rule = any(scope.partition(":")[0] in verbs for scope in needed)
        is_right = has_rule != (cell.operation[:2] in OF_ANY_SCOPE)
        failures += cell.unless(is_right, f"asks for {needed}", response)
        failures += cell.unless(response.status_code not in {401, 403, 500, 503}, "right", response)

    assert failures == []


@of_module
async def test_no_operation_opens_to_a_credential_that_may_do_everything_else(
    office: Office, cells: Callable[..., list[Cell]]
) -> None:
    failures = []

    for cell in cells(accepted_by):
        needed = await scopes_of(cell, office, SHOP)
        for scope in needed:
            scopes = [*all_but(scope), *(each for each in needed if each != scope)]
            response = await cell.send(SHOP, (await office.forms(SHOP, *scopes))[cell.form])
            failures += cell.unless(lacking_scope(response) == scope, f"without {scope}", response)

    assert failures == []


@of_module
async def test_another_tenants_credential_opens_nothing_of_a_tenant(
    office: Office, cells: Callable[..., list[Cell]]
) -> None:
    sent = await office.forms(SHOP, "admin")
    head = await office.owner.store.head(VICTIM.name)
    failures = []

    for cell in cells(accepted_by):
        names_tenant = not {"Carriyo", "Dintero"}.isdisjoint(cell.operation.described["tags"])
        response = await cell.send(VICTIM, {**sent[cell.form], "tenant-id": VICTIM.name})
        failures += cell.unless(VICTIMS_CUSTOMER not in response.text, "shown", response)
        failures += cell.unless(response.status_code == 403 or not names_tenant, "named", response)

    assert failures == []
    assert await office.owner.store.head(VICTIM.name) == head


@pytest.mark.parametrize("state", ["wrong", "revoked", "expired"])
@of_module
async def test_a_credential_in_a_body_is_checked_as_well(office: Office, state: str) -> None:
    async with a_client(office.app) as client:
        answers = [await client.post("/oauth/token", json=await pair(office, each)) for each in ("right", state)]

    assert [answer.status_code for answer in answers] == [200, 403]


async def pair(office: Office, state: str) -> dict[str, str]:
    header = (await office.forms(SHOP, "admin", state=state))["Basic"]["Authorization"]
    key_id, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return {"client_id": key_id, "client_secret": secret}
