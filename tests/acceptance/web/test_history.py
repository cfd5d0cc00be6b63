"""Time travel, calls and integrations: what it was, what was said, and what is broken."""

import re

import pytest
from playwright.async_api import expect

from tests.acceptance.web.fix_web import ORDER, Shop, Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_slider_moves_through_the_versions(visit: Visit) -> None:
    page = await visit.open(f"/ui/orders/{ORDER}/history?version=5")
    await expect(page.locator("[data-ready]")).to_be_visible()
    slider = page.get_by_role("slider", name="Version")

    await slider.press("ArrowLeft")
    await expect(page).to_have_url(re.compile("version=4$"))
    await slider.press("ArrowLeft")

    await expect(page).to_have_url(re.compile("version=3$"))
    changed = page.locator("tr.changed", has_text="Payment status")
    await expect(changed.locator("td")).to_have_text(["pending", "completed"])
    await expect(page.get_by_role("columnheader", name="Before · version 2")).to_be_visible()


async def test_the_first_version_has_nothing_before_it(visit: Visit) -> None:
    page = await visit.open(f"/ui/orders/{ORDER}/history?version=1")

    await expect(page.locator("tbody tr.changed", has_text="Totals · Total").locator("td")).to_have_text(
        ["–", "€139.50"]
    )
    await expect(page.get_by_role("link", name="Earlier")).to_have_count(0)


async def test_a_version_that_there_is_not_is_said_so(visit: Visit) -> None:
    visit.expected = ("404",)

    page = await visit.open(f"/ui/orders/{ORDER}/history?version=999")

    await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


async def test_a_call_shows_where_its_time_went(visit: Visit) -> None:
    page = await visit.open(f"/ui/orders/{ORDER}?kind=call")

    await page.locator(".entry", has_text="503").get_by_role("link", name="Open the call").click()

    rows = await page.locator(".fall tbody tr").all_inner_texts()
    assert [" ".join(row.split()) for row in rows] == [
        "DNS 11 ms",
        "TCP 18 ms",
        "TLS 43 ms",
        "Overhead 3 ms",
        "Send 1 ms",
        "Wait 2.84 s",
        "Receive 2 ms",
    ]
    await expect(page.get_by_text("New connection")).to_be_visible()
    await expect(page.locator("pre").first).to_contain_text('"reference": "KK-1001"')
    await expect(page.locator("table.headers").first).to_contain_text("***")  # a secret that was masked


async def test_a_reused_connection_is_told(visit: Visit) -> None:
    page = await visit.open(f"/ui/orders/{ORDER}?kind=call")

    await page.locator(".entry", has_text="201").get_by_role("link", name="Open the call").click()

    await expect(page.get_by_text("Connection reused")).to_be_visible()
    await expect(page.locator(".fall tbody tr").first).to_contain_text("reused")


async def test_calls_are_searched_by_status_carrier_and_duration(visit: Visit) -> None:
    page = await visit.open("/ui/calls?status=failed")
    await expect(page.locator("tbody tr")).to_have_count(2)

    await visit.open("/ui/calls?carrier=dhl-parcel&slower=1000")
    await expect(page.locator("tbody tr")).to_have_count(1)

    await visit.open("/ui/calls?correlation=4be1c2a07d9f4c1b")
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.get_by_role("img", name="≥ 250 ms: 1, ≥ 2.5 s: 1")).to_be_visible()

    await visit.open("/ui/calls?status=3xx")
    await expect(page.get_by_role("heading", name="No call matches")).to_be_visible()


async def test_more_calls_than_a_page_are_counted_and_turned_over(visit: Visit, shop: Shop) -> None:
    order_id = shop.new_order()
    began = 1_767_225_600_000
    calls = [
        {"carrier_id": "pigeon post", "response_code": 200, "request_time": began, "response_time": began + 20 * n}
        for n in range(60)
    ]
    events = [{"type": "order.system_log_recorded", "data": call} for call in calls]
    shop.post(f"/trail/v1/orders/{order_id}/events", {"events": events})

    page = await visit.open("/ui/calls")
    await page.get_by_label("Carrier").select_option("pigeon post")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("tbody tr")).to_have_count(50)
    await expect(page.get_by_text("All 60 calls found")).to_be_visible()
    await page.get_by_role("link", name="Older").click()

    await expect(page.locator("tbody tr")).to_have_count(10)
    await expect(page.get_by_text("All 60 calls found")).to_be_visible()
    await page.get_by_label("Duration").select_option("1 s or more")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("tbody tr")).to_have_count(10)
    await expect(page.get_by_role("img", name="≥ 1 s: 10")).to_be_visible()


async def test_an_integration_shows_its_exceptions_and_what_mends_them(visit: Visit) -> None:
    page = await visit.open("/ui/integrations")
    await expect(page.get_by_text("1 failing")).to_be_visible()

    await page.get_by_role("link", name="Tea Market").click()

    await expect(page.get_by_text("It fails since")).to_be_visible()
    await expect(page.get_by_text("The shop has nothing at this address.")).to_be_visible()
    await expect(page.locator("tbody tr")).to_have_count(5)
    await page.locator("tbody tr a").first.click()
    await expect(page.get_by_role("heading", name="requests.exceptions.HTTPError")).to_be_visible()
    await expect(page.locator("pre", has_text="moved out")).to_be_visible()


async def test_the_orders_that_an_integration_concerns_are_listed(visit: Visit, shop: Shop) -> None:
    order_id = shop.new_order()
    with shop.client() as http:
        http.put(f"/trail/v1/orders/{order_id}/integrations/502").raise_for_status()

    page = await visit.open("/ui/integrations/502")

    await page.get_by_role("link", name=order_id).click()
    await expect(page.locator("#side")).to_contain_text("Integration 502")


async def test_a_body_that_has_expired_or_was_erased_is_told(visit: Visit, shop: Shop) -> None:
    order_id = shop.new_order()
    call = {
        "event_type": "OUTBOUND",
        "request_method": "POST",
        "request_url": "https://dhl.example/x",
        "request_body": "x",
    }
    headers = {"tenant-id": shop.tenant, "x-api-key": shop.key_id}
    with shop.client() as http:
        grant = {"client_id": shop.key_id, "client_secret": shop.token.removeprefix(f"ot_{shop.key_id}_")}
        bearer = {"Authorization": f"Bearer {http.post('/oauth/token', json=grant).json()['access_token']}"}
        http.post(f"/orders/{order_id}/system-logs", json=call, headers=headers | bearer).raise_for_status()
    [item] = shop.get(f"/trail/v1/orders/{order_id}/timeline", kind="call")["items"]
    shop.append(order_id, "order.redacted")

    page = await visit.open(f"/ui/orders/{order_id}/calls/{item['position']}")

    await expect(page.get_by_text("The request’s body is")).to_contain_text("redacted")
