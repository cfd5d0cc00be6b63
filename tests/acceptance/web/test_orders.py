"""Orders and their stories: found, filtered, followed, and shown with what is gone."""

import pytest
from playwright.async_api import Browser, expect

from tests.acceptance.web.fix_web import ORDER, Shop, Visit, signed_in, visiting
from tests.native import amounts

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_order_is_found_by_its_customer(visit: Visit) -> None:
    page = await visit.open("/ui/orders")
    await page.keyboard.press("/")
    await page.keyboard.type("ingrid")

    await page.keyboard.press("Enter")

    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.get_by_role("link", name=ORDER, exact=True).click()
    await expect(page.get_by_role("heading", name=ORDER, exact=True)).to_be_visible()
    await expect(page.locator("#tiles")).to_contain_text("€96.00")


async def test_orders_are_narrowed_down_by_state_and_service(visit: Visit, shop: Shop) -> None:
    order_id = shop.new_order()
    shop.append(order_id, "order.service_event_recorded", state="pending", service="kiln", service_status="firing")
    page = await visit.open("/ui/orders?state=failure")

    assert set(await page.locator("tbody th a").all_inner_texts()) == {"KK-1007", ORDER}
    await visit.open("/ui/orders?service=kiln&state=pending")
    await expect(page.locator("tbody th a")).to_have_text([order_id])
    await visit.open("/ui/orders?q=no-such-order")
    await expect(page.get_by_role("heading", name="No order matches")).to_be_visible()


async def test_a_story_is_filtered_by_kind_and_by_what_belongs_together(visit: Visit) -> None:
    page = await visit.open(f"/ui/orders/{ORDER}")

    await page.get_by_role("navigation", name="Kinds").get_by_role("link", name="Calls").click()

    await expect(page.locator(".entry")).to_have_count(4)
    assert {await entry.get_attribute("data-kind") for entry in await page.locator(".entry").all()} == {"call"}
    await visit.open(f"/ui/orders/{ORDER}")
    await page.get_by_role("link", name="4be1c2a07d9f").click()
    await expect(page.locator(".entry")).to_have_count(7)


async def test_a_step_shows_what_it_was_before(visit: Visit) -> None:
    page = await visit.open(f"/ui/orders/{ORDER}")

    step = page.locator(".entry", has_text="On the way to nowhere").or_(
        page.locator(".entry", has=page.get_by_role("link", name="Status", exact=True)).first
    )

    await expect(step.first).to_contain_text("Confirmed")
    await expect(step.first).to_contain_text("Completed")


async def test_the_money_of_a_split_adds_up(visit: Visit) -> None:
    page = await visit.open(f"/ui/orders/{ORDER}")

    await expect(page.locator(".adds.good-text")).to_have_text("€154.00 = €96.00 + €58.00")
    await expect(page.locator(".sum", has_text="Together")).to_contain_text("€154.00")
    await page.locator(".tree").get_by_role("link", name="KK-1001-B").click()
    await expect(page.locator(".tree strong")).to_have_text("KK-1001-B")


async def test_a_page_follows_what_is_recorded(visit: Visit, shop: Shop) -> None:
    order_id = shop.new_order(totals=amounts(1_250))
    page = await visit.open(f"/ui/orders/{order_id}")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()

    shop.append(order_id, "order.status_updated", status="confirmed", reason="paid")

    await expect(page.locator(".entry")).to_have_count(2)
    await expect(page.locator("#tiles")).to_contain_text("Confirmed")
    await expect(page.locator(".entry.fresh")).to_have_count(1)


async def test_the_list_follows_what_is_recorded(visit: Visit, shop: Shop) -> None:
    page = await visit.open("/ui/orders")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()

    order_id = shop.new_order()

    await expect(page.get_by_role("link", name=order_id)).to_be_visible()
    last = page.locator("tr", has_text=order_id).locator(".last-what")
    await expect(last).to_have_text("Order created")
    shop.append(order_id, "order.service_event_recorded", state="pending", service="kiln", service_status="fired_once")
    await expect(last).to_have_text("Kiln: Fired once")
    shop.append(order_id, "order.payment_status_updated", status="completed")
    await expect(last).to_have_text("Payment: Completed")


async def test_an_event_opens_beside_the_page_and_has_a_link_of_its_own(visit: Visit) -> None:
    page = await visit.open(f"/ui/orders/{ORDER}")
    await page.keyboard.press("j")
    await page.keyboard.press("j")

    await page.keyboard.press("Enter")

    drawer = page.get_by_role("dialog")
    await expect(drawer.get_by_role("heading", name="Status")).to_be_visible()
    path = await drawer.get_by_role("link", name="Permanent link").get_attribute("href")
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(page.get_by_role("link", name="Status", exact=True).first).to_be_focused()
    await visit.open(path or "")
    await expect(page.get_by_role("heading", name="Status")).to_be_visible()


async def test_what_is_copied_can_be_pasted(browser: Browser, shop: Shop) -> None:
    async with visiting(browser, shop, permissions=["clipboard-read", "clipboard-write"]) as visit:
        await signed_in(visit.page.context, shop)
        page = await visit.open(f"/ui/orders/{ORDER}")

        await page.get_by_role("button", name="Copy a curl command").click()

        await expect(page.get_by_role("button", name="Copy a curl command")).to_have_text("Copied")
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == f"curl -sS -H \"Authorization: Bearer $TOKEN\" '{shop.url}/trail/v1/orders/{ORDER}/timeline'"


async def test_everything_works_without_scripts(browser: Browser, shop: Shop) -> None:
    async with visiting(browser, shop, java_script_enabled=False) as visit:
        await signed_in(visit.page.context, shop)
        page = await visit.open("/ui/orders")
        await page.get_by_label("Search orders").fill("web-77201")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name=ORDER, exact=True).click()
        await page.locator(".entry-title").first.click()
        await expect(page.get_by_role("heading", name="Raw event")).to_be_visible()
        await visit.open(f"/ui/orders/{ORDER}/history?version=3")
        await page.get_by_role("link", name="Later").click()
        await expect(page.locator("output")).to_have_text("4 of 34")
        await visit.open("/ui/ledger")
        await page.get_by_role("button", name="Verify now").click()
        await expect(page.get_by_role("heading", name="The ledger is as it was signed")).to_be_visible()


async def test_a_redacted_customer_is_shown_as_erased(visit: Visit, shop: Shop) -> None:
    order_id = shop.new_order(customer={"id": "c-1", "name": "Grace Hopper"})
    shop.append(order_id, "order.comment_added", text="Grace rang")
    page = await visit.open(f"/ui/orders/{order_id}")
    await expect(page.locator("#tiles")).to_contain_text("Grace Hopper")

    shop.append(order_id, "order.redacted")

    await visit.open(f"/ui/orders/{order_id}")
    await expect(page.get_by_text("customer was erased")).to_be_visible()
    await expect(page.locator(".entry .gone")).to_have_text(["redacted"])
    assert "Grace" not in await page.content()


async def test_a_long_order_is_shown_a_window_at_a_time(visit: Visit, shop: Shop) -> None:
    order_id = shop.new_order()
    for part in range(2):
        events = [{"type": "order.comment_added", "data": {"text": f"{part}-{n}"}} for n in range(60)]
        shop.post(f"/trail/v1/orders/{order_id}/events", {"events": events})
    page = await visit.open(f"/ui/orders/{order_id}")
    await expect(page.locator(".entry")).to_have_count(50)

    await page.get_by_role("link", name="Older").click()
    await page.get_by_role("link", name="Older").click()

    await expect(page.locator(".entry")).to_have_count(21)
    await page.get_by_role("link", name="Newest").click()
    await expect(page.locator(".entry-text").first).to_have_text("1-59")
