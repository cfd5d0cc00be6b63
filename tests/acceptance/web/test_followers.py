"""Consumers and webhooks on the ledger's pages: how far they are, what they refused, and what was sent."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.acceptance.web.fix_web import Shop, Visit
from tests.acceptance.web.following import a_consumer_that_refused, a_webhook_that_fails

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_parked_order_is_retried_and_dropped_from_the_page(visit: Visit, shop: Shop) -> None:
    order_id = a_consumer_that_refused(shop, "billing")
    page = await visit.open("/ui/ledger")
    page.on("dialog", lambda dialog: dialog.accept())
    await expect(page.locator("tr", has_text="billing")).to_contain_text("Parked")
    await page.get_by_role("link", name="billing").click()
    await expect(page.locator("tr", has_text=order_id)).to_contain_text("no such invoice")
    await expect(page.locator("tr", has_text="one")).to_contain_text("Live")
    assert (await Axe().run(page)).violations_count == 0

    await page.get_by_role("button", name=f"Retry {order_id}").click()
    await expect(page.locator("tr", has_text=order_id)).to_contain_text("Waits")
    await page.get_by_role("button", name=f"Drop {order_id}").click()

    await expect(page.locator("tr", has_text=order_id)).to_contain_text("Goes on")
    with shop.client() as http:
        assert http.get("/trail/v1/consumers/billing/parked").json()["items"] == []
        http.delete("/trail/v1/consumers/billing").raise_for_status()


async def test_an_attempt_is_shown_and_sent_again_from_the_page(visit: Visit, shop: Shop) -> None:
    order_id, webhook_id = await a_webhook_that_fails(shop)

    page = await visit.open(f"/ui/ledger/webhooks/{webhook_id}")
    await expect(page.get_by_role("heading", name="https://hooks.shop.invalid/orders")).to_be_visible()
    await expect(page.get_by_text("Failing", exact=True)).to_be_visible()
    await page.locator("details.attempt summary").first.click()
    await expect(page.locator("details.attempt").first).to_contain_text(order_id)
    assert (await Axe().run(page)).violations_count == 0
    await page.get_by_role("button", name="Send it again").first.click()

    await expect(page.locator("details.attempt", has_text="resend")).to_have_count(1)
    with shop.client() as http:
        http.delete(f"/trail/v1/webhooks/{webhook_id}").raise_for_status()
