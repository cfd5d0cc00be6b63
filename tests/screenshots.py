"""Looks at every page, small and large, light and dark: python -m tests.screenshots [PAGE]….

The pictures are in build/screenshots. That of an order is in the README, too.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import NamedTuple

import httpx
from playwright.async_api import Browser, async_playwright

from tests.acceptance.web.fix_web import CHROMIUM, NO_CHROMIUM, OPTIONS, ORDER, Shop
from tests.acceptance.web.following import a_consumer_that_refused, a_webhook_that_fails
from tests.fix_server import ORDERTRAIL
from tests.paths import ROOT

FOLDER = ROOT / "build" / "screenshots"
PICTURE = ROOT / "docs" / "images" / "order.png"
SIZES = ((390, 844), (1_440, 900))
COLOURS = ("light", "dark")
PAGES = {
    "sign-in": "/ui/sign-in",
    "orders": "/ui/orders",
    "orders-none": "/ui/orders?q=none",
    "order": f"/ui/orders/{ORDER}",
    "history": f"/ui/orders/{ORDER}/history?version=16",
    "event": f"/ui/orders/{ORDER}/events/25",
    "calls": "/ui/calls",
    "call": f"/ui/orders/{ORDER}/calls/25",
    "integrations": "/ui/integrations",
    "integration": "/ui/integrations/502",
    "ledger": "/ui/ledger",
    "style": "/ui/style",
    "missing": "/ui/orders/none",
    "split": "/ui/orders/KK-1001-B",
    "refunded": "/ui/orders/KK-1004",
    "consumer": "/ui/ledger/consumers/billing",
    "webhook": "/ui/ledger/webhooks/{webhook}",
    "drawer": f"/ui/orders/{ORDER}",
}
UNFOLDED = {"webhook": "details.attempt > summary", "ledger": "details.card-foot > summary"}
"""What is opened before a picture is taken."""
READY = """
[...document.querySelectorAll("[data-module]:not([data-proof])")].every((part) => "ready" in part.dataset)
&& [...document.querySelectorAll("[data-proof-title]")].every((title) => title.textContent === "Proven")
&& [...document.querySelectorAll("[data-live-state]")].every((state) => !state.hidden)
"""
"""When scripts have done what they do to a page."""


class Demo(NamedTuple):
    """A running demo."""

    url: str
    token: str


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    """Run the demo on a database of its own."""
    command = [ORDERTRAIL, "demo", "--port", "0", "--data-dir", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told: dict[str, str] = {}
        for line in process.stdout:
            for name, words in (("url", "Ordertrail is at"), ("token", "your token is")):
                if line.startswith(words):
                    told[name] = line.split()[-1]
            if line.startswith("Ctrl-C"):
                break
        try:
            yield Demo(**told)
        finally:
            process.terminate()
            process.wait(60)


async def look(running: Demo, wanted: Sequence[str]) -> None:
    """Take the pictures of these pages; of all, and the one in the README, if none are named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        if not wanted:
            await _picture(browser, running)
        shop = Shop(running.url, "", "demo", running.token, running.token.split("_")[1])
        a_consumer_that_refused(shop, "billing")
        _, webhook_id = await a_webhook_that_fails(shop)
        pages = {name: path.format(webhook=webhook_id) for name, path in PAGES.items() if not wanted or name in wanted}
        for size, colours in product(SIZES, COLOURS):
            await _look_at(browser, running, pages, size, colours)
        await browser.close()


async def _look_at(
    browser: Browser, running: Demo, pages: Mapping[str, str], size: tuple[int, int], colours: str
) -> None:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=colours,  # type: ignore[arg-type]
        locale="en-GB",
        timezone_id="Europe/Amsterdam",
        reduced_motion="reduce",
        bypass_csp=True,  # to wait for something on a page, it is evaluated there
    )
    await context.request.post(f"{running.url}/ui/sign-in", form={"token": running.token})
    page = await context.new_page()
    for name, path in pages.items():
        await page.goto(running.url + path, wait_until="load")
        await page.wait_for_function(READY)
        if name == "drawer":
            await page.locator(".entry-title").nth(3).click()
            await page.get_by_text("Proven", exact=True).wait_for()
        for folded in await page.locator(UNFOLDED.get(name, "none")).all():
            await folded.click()
        await page.evaluate("scrollTo(0, 0)")  # what sticks to the top would be in the middle
        whole = name != "drawer"
        await page.screenshot(path=FOLDER / f"{name}-{size[0]}-{colours}.png", full_page=whole)
    await context.close()


async def _picture(browser: Browser, running: Demo) -> None:
    """Take the picture that the README opens with: an order's page as it is first seen."""
    context = await browser.new_context(
        viewport={"width": 1_200, "height": 800}, locale="en-GB", timezone_id="Europe/Amsterdam"
    )
    await context.request.post(f"{running.url}/ui/sign-in", form={"token": running.token})
    page = await context.new_page()
    await page.goto(f"{running.url}/ui/orders/{ORDER}")
    await page.get_by_text("Live", exact=True).wait_for()
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURE)
    await context.close()


def main() -> None:
    """Take the pictures of a demo's pages."""
    if CHROMIUM is None:
        sys.exit(NO_CHROMIUM)
    with tempfile.TemporaryDirectory(prefix="ot-", dir="/tmp") as folder, demo(Path(folder, "data")) as running:
        httpx.get(f"{running.url}/readyz", trust_env=False).raise_for_status()
        asyncio.run(look(running, sys.argv[1:]))
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures are in {FOLDER}\n")


if __name__ == "__main__":
    main()
