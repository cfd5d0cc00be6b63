"""One walk past every page, on which everything is looked at that holds for all of them."""

from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, CDPSession, Page, expect

from tests.acceptance.web.fix_web import ORDER, Shop, Visit, signed_in, visiting

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
EVERYTHING = {"resultTypes": ["violations"], "preload": False}
"""What axe loads again is for one rule alone: that styles lock no orientation. The style sheet does not speak of it."""
CONTRAST = {**EVERYTHING, "runOnly": ["color-contrast"]}
"""In the dark, only the colours are others."""


@dataclass
class Walk:
    """What was found, by the names of pages."""

    hurdles: dict[str, list[str]] = field(default_factory=dict)
    """What keeps somebody from using a page, as axe tells it."""
    overhangs: dict[tuple[str, int], int] = field(default_factory=dict)
    """By how many pixels pages are wider than windows of several widths."""
    loads: dict[str, float] = field(default_factory=dict)
    """How many bytes each page loads in a browser that has none of it."""


def places(shop: Shop) -> dict[str, int]:
    """Return the positions of an event, a call, and a failed call."""
    items = shop.get(f"/trail/v1/orders/{ORDER}/timeline")["items"]
    call = next(item["position"] for item in items if item["kind"] == "call")
    failure = shop.get("/trail/v1/integrations/502/logs")["items"][0]["position"]
    return {"event": items[3]["position"], "call": call, "failure": failure}


async def walk_past_all(browser: Browser, shop: Shop) -> Walk:
    """Look at every page once."""
    found, known = Walk(), places(shop)
    async with visiting(browser, shop, reduced_motion="reduce") as visit:
        visit.expected = ("404",)
        await signed_in(visit.page.context, shop)
        devtools = await visit.page.context.new_cdp_session(visit.page)
        await devtools.send("Network.enable")
        await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
        for name, path in PAGES.items():
            await _look_at(visit, devtools, name, path.format(**known), found)
    return found


async def _look_at(visit: Visit, devtools: CDPSession, name: str, path: str, found: Walk) -> None:
    page = visit.page
    loaded: list[float] = []
    devtools.on("Network.loadingFinished", note := _noted(loaded))
    await page.emulate_media(color_scheme="light")
    await visit.open(path)
    assert await page.evaluate("performance.getEntriesByType('resource').length") > 4  # with the modules of the script
    found.loads[name] = sum(loaded)
    devtools.remove_listener("Network.loadingFinished", note)
    await page.evaluate(AXE_SCRIPT)
    if name == "order":
        await page.locator(".entry-title").nth(3).click()
        await expect(page.get_by_role("dialog").locator("[data-proof-title]")).to_have_text("Proven")
        found.hurdles["drawer"] = await hurdles(page, EVERYTHING, within="dialog")
        await page.keyboard.press("Escape")
    found.hurdles[name] = await hurdles(page, EVERYTHING)
    await page.emulate_media(color_scheme="dark")
    found.hurdles[f"{name}, dark"] = await hurdles(page, CONTRAST)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        found.overhangs[name, width] = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    await page.set_viewport_size({"width": 1_440, "height": 900})


def _noted(loaded: list[float]) -> Any:
    return lambda event: loaded.append(event["encodedDataLength"])


async def hurdles(page: Page, options: dict[str, Any], *, within: str = "html") -> list[str]:
    """Return what axe finds on a page that has its script."""
    violations: list[dict[str, Any]] = await page.evaluate(
        "async ([within, options]) => (await axe.run(within, options)).violations", [within, options]
    )
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in violations
        for node in violation["nodes"]
    ]
