"""Pages that did not change are not rendered again; whatever changes them shows in the next answer of every worker."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest

from api.bootstrap import open_services
from api.cli.maintenance import create_key, create_tenant
from api.cli.views import rebuild
from domain.values import Actor, TenantName
from tests.fix_postgres import database
from tests.fix_server import Server, running
from tests.native import ORDERS, an_order, append, comment, new_id, status

EVERY_WORKER = 12
"""Requests on so many connections, at the same time, reach both workers."""
KIM = {"id": "u-7", "name": "Kim", "type": "User"}


@pytest.fixture(scope="module")
def two_workers(server_dsn: str, template_name: str) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch, database(server_dsn, template=template_name) as dsn:
        patch.setenv("ORDERTRAIL_SHOPLINE_RATE", "0")
        with running(dsn, "--workers", "2") as server:
            yield server


@pytest.fixture
async def http(two_workers: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a tenant of the test's own; each request has a new connection."""
    tenant = new_id()
    await create_tenant(two_workers.dsn, tenant, is_implicit=False, dintero_account=None)
    key = await create_key(two_workers.dsn, tenant, scopes=("admin",), name="Test")
    headers = {"Authorization": f"Bearer {key['token']}", "tenant-id": tenant, "x-api-key": key["key_id"]}
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=two_workers.url, headers=headers, limits=limits, timeout=30) as client:
        yield client


async def pages_of(http: httpx.AsyncClient, name: str) -> set[tuple[str, str]]:
    """Return all that is answered when the pages of an order are asked for many times: one text each, if they agree."""
    paths = [
        f"{ORDERS}/{name}/timeline",
        f"{ORDERS}/{name}/timeline?order=desc&limit=1",
        f"/v1/orders/{name}/action_logs",
    ]
    answers = await asyncio.gather(*[http.get(path) for path in paths for _ in range(EVERY_WORKER // 2)])
    assert {answer.status_code for answer in answers} == {200}
    found = {(str(answer.request.url), answer.text) for answer in answers}
    assert len(found) == len(paths)
    return found


async def test_a_new_event_shows_at_once_on_every_worker(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    seen = {text for _, text in await pages_of(http, order_id)}

    for n in range(10):
        await append(http, order_id, status(f"status {n}"))
        found = await pages_of(http, order_id)

        assert all(f'"status {n}"' in text for _, text in found)
        assert seen.isdisjoint(text for _, text in found)
        seen |= {text for _, text in found}


async def test_a_redacted_order_is_shown_redacted_by_every_worker(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, comment("Ring at Ann Li's"))
    assert "Ann Li" in str(await pages_of(http, order_id))

    redacted = await http.post(f"/orders/{order_id}/redact")

    assert redacted.status_code == 200, redacted.text
    assert "Ann Li" not in str(await pages_of(http, order_id))


async def test_a_forgotten_performer_is_shown_by_no_worker_and_in_no_order(
    http: httpx.AsyncClient, two_workers: Server
) -> None:
    orders = [await an_order(http), await an_order(http)]
    for order_id in orders:
        await append(http, order_id, status(actor=KIM))
        assert '"Kim"' in str(await pages_of(http, order_id))

    async with open_services(two_workers.dsn) as services:
        await services.erasure.forget_person(TenantName(http.headers["tenant-id"]), "u-7", by=Actor(id="dpo"))

    for order_id in orders:
        assert '"Kim"' not in str(await pages_of(http, order_id))


async def test_rows_that_a_rebuild_mends_are_shown_mended(http: httpx.AsyncClient, two_workers: Server) -> None:
    order_id, tenant = await an_order(http), http.headers["tenant-id"]
    await append(http, order_id, status("open"), status("closed"))
    await http.get(f"{ORDERS}/{order_id}")
    async with await psycopg.AsyncConnection.connect(two_workers.dsn, autocommit=True) as connection:
        await connection.execute(
            "UPDATE ordertrail.action_log SET actor_type = 'wrong' WHERE tenant = %s AND position = 2", [tenant]
        )
    assert "wrong" in str(await pages_of(http, order_id))

    await rebuild(two_workers.dsn, [], tenant)

    assert "wrong" not in str(await pages_of(http, order_id))


async def test_a_reference_leads_to_whichever_order_has_it_now(http: httpx.AsyncClient) -> None:
    reference = new_id()
    await an_order(http, reference=reference)
    first = await pages_of(http, reference)

    await an_order(http, reference=reference)

    assert first.isdisjoint(await pages_of(http, reference))


async def test_tenants_do_not_see_each_others_pages(http: httpx.AsyncClient, two_workers: Server) -> None:
    order_id = await an_order(http)
    await pages_of(http, order_id)
    other = new_id()
    await create_tenant(two_workers.dsn, other, is_implicit=False, dintero_account=None)
    key = await create_key(two_workers.dsn, other, scopes=("admin",), name="Other")

    path = f"{ORDERS}/{order_id}/timeline"
    answers = [await http.get(path, headers={"Authorization": f"Bearer {key['token']}"}) for _ in range(EVERY_WORKER)]

    assert {answer.status_code for answer in answers} == {404}


async def test_without_the_scope_a_kept_page_is_refused_as_any_other(
    http: httpx.AsyncClient, two_workers: Server
) -> None:
    order_id = await an_order(http)
    await pages_of(http, order_id)
    key = await create_key(two_workers.dsn, http.headers["tenant-id"], scopes=("write",), name="Writer")
    headers = {"Authorization": f"Bearer {key['token']}"}

    timeline = await http.get(f"{ORDERS}/{order_id}/timeline", headers=headers)
    log = await http.get(f"/v1/orders/{order_id}/action_logs", headers=headers)

    assert (timeline.status_code, log.status_code) == (403, 403)
