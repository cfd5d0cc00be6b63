"""A browser as people have it, and a shop whose orders they look at. One of each serves all tests of a process."""

import os
import secrets
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from api.cli.demo.player import play
from api.cli.maintenance import create_key, create_tenant
from tests.fix_server import Server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_CHROMIUM = "There is no Chromium here, so nobody looked at the pages; install it with: apt-get install chromium"
# A container's root may not open the sandbox, and its /dev/shm is small.
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage"]
ORDER = "KK-1001"

_TLS = ssl.create_default_context()
"""Nothing here is encrypted; but clients take longer to make one of these each than to ask for a page."""
_WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => window.violations.push(
    `${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass(frozen=True)
class Shop:
    """A tenant with ten days of orders, and a credential that allows everything."""

    url: str
    dsn: str
    tenant: str
    token: str
    key_id: str

    def client(self) -> httpx.Client:
        """Return a client of the native interface."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False, verify=_TLS)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send something to the native interface, and return what it answers."""
        with self.client() as http:
            response = http.post(path, json=body)
            assert response.is_success, response.text
            return response.json()

    def get(self, path: str, **query: Any) -> Any:
        with self.client() as http:
            return http.get(path, params=query).raise_for_status().json()

    def append(self, order_id: str, type_: str, **data: Any) -> Any:
        """Append an event to an order."""
        return self.post(f"/trail/v1/orders/{order_id}/events", {"type": type_, "data": data})

    def new_order(self, **body: Any) -> str:
        order_id = f"W-{secrets.token_hex(4)}"
        self.post("/trail/v1/orders", {"order_id": order_id, **body})
        return order_id


@dataclass
class Visit:
    """A page that somebody looks at, and what went wrong on it."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    """Parts of messages that the test is about."""

    async def open(self, path: str) -> Page:
        await self.page.goto(self.url + path)
        return self.page


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield launched
        await launched.close()


async def new_shop(server: Server, name: str, *, account: str | None = None) -> Shop:
    """Make a tenant with a credential."""
    tenant = f"{name}-{secrets.token_hex(4)}"
    await create_tenant(server.dsn, tenant, is_implicit=False, dintero_account=account)
    key = await create_key(server.dsn, tenant, scopes=("admin",), name="Ada")
    return Shop(server.url, server.dsn, tenant, key["token"], key["key_id"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(server: Server) -> Shop:
    """The shop of the demo. What tests add is in orders of their own."""
    account = f"T{secrets.randbelow(10**8):08}"  # not the demo's, which other tests use
    made = await new_shop(server, "kiln", account=account)
    with httpx.Client(base_url=made.url, timeout=30, trust_env=False) as http:
        secret = made.token.removeprefix(f"ot_{made.key_id}_")
        play(
            http, {"key_id": made.key_id, "secret": secret, "token": made.token, "tenant": made.tenant}, account=account
        )
    return made


async def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Make a browser of somebody's own: with no cookies and nothing cached."""
    settings = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "Europe/Amsterdam"}
    context = await browser.new_context(**{**settings, **options})
    await context.add_init_script(_WATCH)
    return context


@asynccontextmanager
async def visiting(browser: Browser, shop: Shop, **options: Any) -> AsyncIterator[Visit]:
    """Open a page of a browser of one's own, and see that nothing went wrong on it."""
    context = await new_context(browser, **options)
    try:
        async with looking(context, shop, has_scripts=options.get("java_script_enabled", True)) as visit:
            yield visit
    finally:
        await context.close()


@asynccontextmanager
async def looking(context: BrowserContext, shop: Shop, *, has_scripts: bool = True) -> AsyncIterator[Visit]:
    """Open a page, and see that nothing went wrong on it."""
    visit = Visit(await context.new_page(), shop.url)
    visit.page.on("console", lambda message: _note(visit, message.type, message.text))
    visit.page.on("pageerror", lambda error: visit.wrong.append(f"error: {error}"))
    visit.page.on("request", lambda request: _note_host(visit, request.url))
    try:
        yield visit
        if os.environ.get("ORDERTRAIL_SCREENSHOT"):
            await visit.page.screenshot(path=os.environ["ORDERTRAIL_SCREENSHOT"])
        violations = await visit.page.evaluate("window.violations ?? []") if has_scripts else []
        wrong = [each for each in visit.wrong if not any(part in each for part in visit.expected)]
        assert [*wrong, *violations] == []
    finally:
        await visit.page.close()


def _note(visit: Visit, kind: str, text: str) -> None:
    if kind in {"error", "warning"}:
        visit.wrong.append(f"{kind}: {text}")


def _note_host(visit: Visit, url: str) -> None:
    if urlsplit(url).netloc not in {urlsplit(visit.url).netloc, ""}:
        visit.wrong.append(f"a request to another host: {url}")


async def signed_in(context: BrowserContext, shop: Shop, token: str | None = None) -> None:
    """Give a browser a session without showing it the form."""
    answer = await context.request.post(f"{shop.url}/ui/sign-in", form={"token": token or shop.token})
    assert answer.ok, await answer.text()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def signed_in_context(browser: Browser, shop: Shop) -> AsyncIterator[BrowserContext]:
    """A browser of somebody who is signed in, and stays so."""
    context = await new_context(browser)
    await signed_in(context, shop)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(signed_in_context: BrowserContext, shop: Shop) -> AsyncIterator[Visit]:
    """A page of somebody who is signed in. All such pages share a browser, so nobody may sign out."""
    async with looking(signed_in_context, shop) as visit:
        yield visit


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(browser: Browser, shop: Shop) -> AsyncIterator[Visit]:
    """A page of somebody who is not signed in, in a browser of their own."""
    async with visiting(browser, shop) as visit:
        yield visit
