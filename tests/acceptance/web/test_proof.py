"""The badge: the browser checks by itself that an event is in the signed ledger, and sees when it is not."""

import json
from typing import Any

import psycopg
import pytest
from playwright.async_api import Page, Route, expect

from tests.acceptance.web.fix_web import ORDER, Shop, Visit
from tests.damage import execute

pytestmark = pytest.mark.asyncio(loop_scope="session")


def position_of(shop: Shop, order_id: str = ORDER) -> int:
    position: int = shop.get(f"/trail/v1/orders/{order_id}/timeline")["items"][0]["position"]
    return position


async def badge(page: Page, title: str) -> None:
    await expect(page.locator("[data-proof-title]")).to_have_text(title)


async def told(page: Page, text: str) -> None:
    await expect(page.locator("[data-proof-text]")).to_contain_text(text)


async def test_an_event_is_proven_by_the_browser(visit: Visit, shop: Shop) -> None:
    position = position_of(shop)

    page = await visit.open(f"/ui/orders/{ORDER}/events/{position}")

    await badge(page, "Proven")
    await told(page, f"this is event {position} of a ledger of")
    await told(page, "You trust this server for the key, unless you paste a checkpoint that you hold.")


async def test_an_event_is_proven_against_a_checkpoint_that_the_reader_holds(visit: Visit, shop: Shop) -> None:
    with shop.client() as http:
        held = http.get("/trail/v1/ledger/checkpoint").text
    order_id = shop.new_order()
    page = await visit.open(f"/ui/orders/{order_id}/events/{position_of(shop, order_id)}")
    await badge(page, "Proven")
    await page.get_by_text("Check it against a checkpoint").click()

    await page.get_by_label("Paste the checkpoint").fill(held)
    await page.get_by_role("button", name="Check", exact=True).click()

    await told(page, f"it continues the {held.splitlines()[1]} events of the checkpoint that you hold")


async def test_a_checkpoint_that_was_changed_is_not_believed(visit: Visit, shop: Shop) -> None:
    with shop.client() as http:
        lines = http.get("/trail/v1/ledger/checkpoint").text.splitlines()
    lines[1] = str(int(lines[1]) - 1)
    page = await visit.open(f"/ui/orders/{ORDER}/events/{position_of(shop)}")
    await page.get_by_text("Check it against a checkpoint").click()

    await page.get_by_label("Paste the checkpoint").fill("\n".join(lines) + "\n")
    await page.get_by_role("button", name="Check", exact=True).click()

    await badge(page, "Not proven")
    await told(page, "signature")


CHANGES: dict[str, Any] = {
    "its data": lambda proof, event: event.update(data="eyJzdGF0dXMiOiJyZWZ1bmRlZCJ9"),
    "its time": lambda proof, event: event.update(occurred_at=event["occurred_at"].replace("2026", "2025")),
    "its proof": lambda proof, event: event.update(proof=event["proof"][1:]),
    "the root": lambda proof, event: proof.update(checkpoint=_with_root(proof["checkpoint"])),
    "its type": lambda proof, event: event.update(type="order.archived"),
}
"""What somebody does to a receipt on its way."""


def _with_root(note: str) -> str:
    lines = note.split("\n")
    lines[2] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    return "\n".join(lines)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_receipt_that_was_tampered_with_proves_nothing(visit: Visit, shop: Shop, change: str) -> None:
    async def tamper(route: Route) -> None:
        proof = json.loads(await (await route.fetch()).text())
        CHANGES[change](proof, proof["events"][0])
        await route.fulfill(json=proof)

    await visit.page.route("**/ui/proofs/*", tamper)

    page = await visit.open(f"/ui/orders/{ORDER}/events/{position_of(shop)}")

    await badge(page, "Not proven")


async def stored(shop: Shop, position: int) -> bytes:
    """Return an event's data as it is stored."""
    async with await psycopg.AsyncConnection.connect(shop.dsn) as connection:
        where = {"tenant": shop.tenant, "position": position}
        query = "SELECT data FROM ordertrail.events WHERE tenant = %(tenant)s AND position = %(position)s"
        [data] = await (await connection.execute(query, where)).fetchone() or [b""]
    return bytes(data)


async def test_an_event_that_was_changed_in_the_database_is_not_proven(visit: Visit, shop: Shop) -> None:
    visit.expected = ("500",)
    order_id = shop.new_order()
    shop.append(order_id, "order.status_updated", status="confirmed")
    position = position_of(shop, order_id) + 1
    page = await visit.open(f"/ui/orders/{order_id}/events/{position}")
    await badge(page, "Proven")
    tamper = "UPDATE ordertrail.events SET data = %(data)s WHERE tenant = %(tenant)s AND position = %(position)s"
    changed = {"tenant": shop.tenant, "position": position}
    before = await stored(shop, position)

    await execute(shop.dsn, tamper, data=b'{"status":"refunded"}', **changed)
    await page.get_by_role("button", name="Check again").click()

    await badge(page, "Not proven")
    await execute(shop.dsn, tamper, data=before, **changed)


async def test_a_receipt_is_downloaded(visit: Visit, shop: Shop) -> None:
    position = position_of(shop)
    page = await visit.open(f"/ui/orders/{ORDER}/events/{position}")

    async with page.expect_download() as download:
        await page.get_by_role("link", name="Receipt").click()

    found = await (await download.value).path()
    assert json.loads(found.read_text())["events"][0]["position"] == position


async def test_a_browser_without_the_signature_says_so(visit: Visit, shop: Shop) -> None:
    await visit.page.add_init_script("crypto.subtle.importKey = () => Promise.reject(new Error('not supported'));")

    page = await visit.open(f"/ui/orders/{ORDER}/events/{position_of(shop)}")

    await badge(page, "Not checked")
    await told(page, "This browser has no Ed25519.")


async def test_the_ledger_is_verified_while_somebody_looks(visit: Visit) -> None:
    page = await visit.open("/ui/ledger")
    await expect(page.locator("[data-ready]")).to_be_visible()

    await page.get_by_role("button", name="Verify now").click()

    await expect(page.locator("[data-verify-text]")).to_contain_text("events are as they were signed")


async def test_retention_is_set_on_the_page(visit: Visit, shop: Shop) -> None:
    page = await visit.open("/ui/ledger")
    page.on("dialog", lambda dialog: dialog.accept())

    await page.get_by_label("Keep them for").fill("90")
    await page.get_by_role("button", name="Save").click()

    await expect(page.get_by_text("Bodies of calls are kept for 90 days.")).to_be_visible()
    assert shop.get("/trail/v1/retention")["bodies_days"] == 90
    await page.get_by_label("Keep them for").fill("")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Bodies of calls are kept for ever.")).to_be_visible()
