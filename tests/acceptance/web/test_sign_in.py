"""Who may look: signing in with a token or a link, and the end of sessions."""

import re

import pytest
from playwright.async_api import Browser, expect

from api.cli.tenancy.links import sign_in_link
from tests.acceptance.web.fix_web import Shop, Visit, new_shop, signed_in, visiting
from tests.fix_server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_token_signs_in_and_leads_to_the_page_that_was_asked_for(stranger: Visit, shop: Shop) -> None:
    page = await stranger.open("/ui/orders/KK-1001?kind=call")
    await expect(page).to_have_title("Sign in · Ordertrail")

    await page.get_by_label("Your token").fill(shop.token)
    await page.get_by_role("button", name="Sign in").click()

    await expect(page).to_have_url(f"{shop.url}/ui/orders/KK-1001?kind=call")
    [cookie] = [each for each in await page.context.cookies() if each["name"] == "ordertrail_session"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/ui")


@pytest.mark.parametrize("token", ["ot_0123_secret", "not a token"])
async def test_a_wrong_token_is_refused_with_a_reason(stranger: Visit, token: str) -> None:
    stranger.expected = ("403",)
    page = await stranger.open("/ui/sign-in")

    await page.get_by_label("Your token").fill(token)
    await page.get_by_role("button", name="Sign in").click()

    await expect(page.get_by_role("alert")).to_be_visible()


async def test_a_link_signs_in_once_and_opening_it_uses_nothing(stranger: Visit, shop: Shop) -> None:
    stranger.expected = ("403",)
    link = await sign_in_link(shop.dsn, shop.url, shop.tenant, scopes=("viewer",))
    page = stranger.page
    assert (await page.context.request.get(link)).status == 200  # as a mail scanner does
    await page.goto(link)

    await page.get_by_role("button", name="Sign in").click()

    await expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    await page.goto(link)
    await expect(page.get_by_role("alert")).to_contain_text("used before")


async def test_a_page_for_which_the_credential_does_not_suffice_says_so(browser: Browser, shop: Shop) -> None:
    async with visiting(browser, shop) as visit:
        visit.expected = ("403",)
        link = await sign_in_link(shop.dsn, shop.url, shop.tenant, scopes=("read:integrations",))
        await visit.page.goto(link)
        await visit.page.get_by_role("button", name="Sign in").click()

        await expect(visit.page.get_by_role("heading", name="You may not see this")).to_be_visible()
        await visit.open("/ui/integrations")
        await expect(visit.page.get_by_role("link", name="Tea Market")).to_be_visible()
        assert await visit.page.get_by_role("navigation", name="Rooms").get_by_role("link").all_inner_texts() == [
            "Integrations"
        ]


async def test_nobody_sees_another_tenants_orders(browser: Browser, shop: Shop, server: Server) -> None:
    other = await new_shop(server, "other")
    async with visiting(browser, other) as theirs:
        theirs.expected = ("404",)
        await signed_in(theirs.page.context, other)
        await theirs.open("/ui/orders/KK-1001")
        await expect(theirs.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
        await theirs.open("/ui/orders")
        await expect(theirs.page.get_by_role("heading", name="No orders yet")).to_be_visible()


async def test_signing_out_ends_the_session(stranger: Visit, shop: Shop) -> None:
    await signed_in(stranger.page.context, shop)
    page = await stranger.open("/ui/orders")
    await page.get_by_label(re.compile("Signed in")).click()

    await page.get_by_role("button", name="Sign out").click()

    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    await stranger.open("/ui/orders")
    await expect(page).to_have_title("Sign in · Ordertrail")


async def test_a_credential_is_created_and_revoked_and_its_session_ends(
    visit: Visit, browser: Browser, shop: Shop
) -> None:
    page = await visit.open("/ui/ledger")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_text("Create a credential").click()
    await page.get_by_label("Name").fill("Kim")
    await page.get_by_label("Scope").select_option("viewer")
    await page.get_by_role("button", name="Create").click()
    token = await page.locator(".notice code").inner_text()

    async with visiting(browser, shop) as theirs:
        await signed_in(theirs.page.context, shop, token)
        await theirs.open("/ui/ledger")
        assert await theirs.page.get_by_role("heading", name="Credentials").count() == 0
        await theirs.open("/ui/orders")

        await page.get_by_role("button", name="Revoke Kim").click()

        await expect(page.locator("tr", has_text="Kim").get_by_text("Revoked")).to_be_visible()
        # The page leads there by itself, because it follows the ledger only as long as the session lasts.
        await expect(theirs.page).to_have_title("Sign in · Ordertrail", timeout=30_000)
        await expect(theirs.page.get_by_text("Your session is over")).to_be_visible()
