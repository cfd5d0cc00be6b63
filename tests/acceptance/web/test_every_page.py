"""What holds for every page: nothing keeps anybody from using it, it fits, and it loads little."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.acceptance.web.fix_web import ORDER, Shop, signed_in, visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST_BYTES = 60_000
WIDTHS = (360, 390, 768, 1_440, 2_560)
PAGES = {
    "sign-in": "/ui/sign-in",
    "orders": "/ui/orders",
    "no orders": "/ui/orders?q=none",
    "order": f"/ui/orders/{ORDER}",
    "history": f"/ui/orders/{ORDER}/history?version=16",
    "event": f"/ui/orders/{ORDER}/events/{{event}}",
    "calls": "/ui/calls",
    "call": f"/ui/orders/{ORDER}/calls/{{call}}",
    "integrations": "/ui/integrations",
    "integration": "/ui/integrations/502",
    "failed call": "/ui/integrations/502/calls/{failure}",
    "ledger": "/ui/ledger",
    "style": "/ui/style",
    "missing": "/ui/orders/none",
}


@pytest.fixture(scope="module")
def places(shop: Shop) -> dict[str, int]:
    """The positions of an event, a call, and a failed call."""
    items = shop.get(f"/trail/v1/orders/{ORDER}/timeline")["items"]
    call = next(item["position"] for item in items if item["kind"] == "call")
    failure = shop.get("/trail/v1/integrations/502/logs")["items"][0]["position"]
    return {"event": items[3]["position"], "call": call, "failure": failure}


EVERYTHING: dict[str, Any] = {"resultTypes": ["violations"]}
CONTRAST: dict[str, Any] = {**EVERYTHING, "runOnly": ["color-contrast"]}
"""In the dark, only the colours are others."""


async def test_axe_finds_nothing(browser: Browser, shop: Shop, places: dict[str, int]) -> None:
    async with visiting(browser, shop, reduced_motion="reduce") as visit:
        visit.expected = ("404",)
        await signed_in(visit.page.context, shop)
        found: dict[str, list[str]] = {}
        for name, path in PAGES.items():
            await visit.page.emulate_media(color_scheme="light")
            await visit.open(path.format(**places))
            if name == "order":
                await visit.page.locator(".entry-title").nth(3).click()
                await expect(visit.page.get_by_role("dialog").locator("[data-proof-title]")).to_have_text("Proven")
                found["drawer"] = await _seen(visit.page, EVERYTHING)
                await visit.page.keyboard.press("Escape")
            found[name] = await _seen(visit.page, EVERYTHING)
            await visit.page.emulate_media(color_scheme="dark")
            found[f"{name}, dark"] = await _seen(visit.page, CONTRAST)

        assert {name: told for name, told in found.items() if told} == {}


async def _seen(page: Page, options: dict[str, Any]) -> list[str]:
    results = await Axe().run(page, options=options)
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


async def test_every_page_fits(browser: Browser, shop: Shop, places: dict[str, int]) -> None:
    async with visiting(browser, shop) as visit:
        visit.expected = ("404",)
        await signed_in(visit.page.context, shop)
        wide = {}
        for name, path in PAGES.items():
            await visit.open(path.format(**places))
            for width in WIDTHS:
                await visit.page.set_viewport_size({"width": width, "height": 800})
                wide[name, width] = await visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")

        assert {name: pixels for name, pixels in wide.items() if pixels > 0} == {}


@pytest.mark.parametrize("name", ["orders", "order", "ledger", "sign-in"])
async def test_the_first_load_is_small(browser: Browser, shop: Shop, name: str) -> None:
    async with visiting(browser, shop) as visit:
        if name != "sign-in":
            await signed_in(visit.page.context, shop)
        devtools = await visit.page.context.new_cdp_session(visit.page)
        await devtools.send("Network.enable")
        loaded: list[float] = []
        devtools.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
        await visit.page.goto(shop.url + PAGES[name], wait_until="load")
        await visit.page.wait_for_function("performance.getEntriesByType('resource').length > 4")

        assert 0 < sum(loaded) < MOST_BYTES


async def test_times_are_in_the_readers_zone_and_language(browser: Browser, shop: Shop) -> None:
    async with visiting(browser, shop, locale="de-DE", timezone_id="Asia/Tokyo") as visit:
        await signed_in(visit.page.context, shop)
        await visit.open("/ui/sign-in")  # a script notes the zone

        page = await visit.open(f"/ui/orders/{ORDER}")

        await expect(page.locator(".big").first).to_have_text("96,00\u00a0€")
        created = page.locator(".entry", has_text="Order created")
        await expect(created.locator(".entry-when")).to_have_text("18:12:00")  # 09:12 UTC
        await expect(created.locator("time[data-form=ago]")).to_contain_text("Tagen")
