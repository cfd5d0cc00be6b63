"""What holds for every page: nothing keeps anybody from using it, it fits, and it loads little."""

import pytest
from playwright.async_api import Browser, expect

from tests.acceptance.web.fix_web import ORDER, Shop, signed_in, visiting
from tests.acceptance.web.walking import PAGES, walk_past_all

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST_BYTES = 60_000


async def test_every_page_can_be_used_by_everybody_fits_and_loads_little(browser: Browser, shop: Shop) -> None:
    # In one test, since one walk past all pages is enough for one of several test processes.
    walk = await walk_past_all(browser, shop)

    assert len(walk.hurdles) > 2 * len(PAGES)
    assert {name: told for name, told in walk.hurdles.items() if told} == {}
    assert {name: pixels for name, pixels in walk.overhangs.items() if pixels > 0} == {}
    assert {name: size for name, size in walk.loads.items() if not 0 < size < MOST_BYTES} == {}


async def test_times_are_in_the_readers_zone_and_language(browser: Browser, shop: Shop) -> None:
    async with visiting(browser, shop, locale="de-DE", timezone_id="Asia/Tokyo") as visit:
        await signed_in(visit.page.context, shop)
        await visit.open("/ui/sign-in")  # a script notes the zone

        page = await visit.open(f"/ui/orders/{ORDER}")

        await expect(page.locator(".big").first).to_have_text("96,00\u00a0€")
        created = page.locator(".entry", has_text="Order created")
        await expect(created.locator(".entry-when")).to_have_text("18:12:00")  # 09:12 UTC
        await expect(created.locator("time[data-form=ago]")).to_contain_text("Tagen")
