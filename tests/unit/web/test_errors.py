"""Whatever goes wrong, a page says what and what to do, and leads on to everything else."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.http.problems import Fault, Kind, Problem, without_promise
from api.web.errors import render
from api.web.security import COOKIE
from application.access.callers import Caller
from domain.errors import Forbidden, NotSealed, OrderArchived, OrdertrailError, Unavailable, Unproven
from domain.values import TenantName
from tests.builders import a_caller

ROOMS = ["Orders", "Calls", "Integrations", "Ledger"]


class Sessions:
    """Knows everybody who has a session, or nobody."""

    def __init__(self, caller: Caller | Exception) -> None:
        self._caller = caller

    async def caller(self, session: str) -> Caller:
        if isinstance(self._caller, Exception):
            raise self._caller
        return self._caller


class Store:
    """Fails in one way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def head(self, tenant: TenantName) -> int:
        raise self._error


async def seen(
    error: Exception | None = None,
    caller: Caller | Exception | None = None,
    *,
    path: str = "/ui/ledger?a=1",
    cookie: str | None = "a session",
) -> httpx.Response:
    """Return what a visitor sees of the ledger, which fails."""
    services = SimpleNamespace(sessions=Sessions(caller or a_caller()), store=Store(error or ValueError()))
    app = create_app(lambda: None, max_body_bytes=1)  # type: ignore[arg-type, return-value]
    app.state.opening = SimpleNamespace(require=lambda: services)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    cookies = {} if cookie is None else {COOKIE: cookie}
    async with httpx.AsyncClient(transport=transport, base_url="http://trail.example", cookies=cookies) as http:
        return await http.get(path)


def rooms_in(page: httpx.Response) -> list[str]:
    _, _, rest = page.text.partition('<nav class="rooms"')
    navigation, _, _ = rest.partition("</nav>")
    return [room for room in ROOMS if f"<span>{room}</span>" in navigation]


ERRORS: list[tuple[OrdertrailError | Exception, int, str]] = [
    (Forbidden("This credential lacks the scope read:ledger"), 403, "You may not see this"),
    (NotSealed("acme"), 404, "There is nothing here"),
    (OrderArchived("A-1"), 410, "This is not here any more"),
    (ValueError("a fault of ours"), 500, "Something went wrong"),
    (Unproven("it was changed"), 500, "This is not proven"),
    (Unavailable("The database is away"), 503, "The store does not answer"),
]


@pytest.mark.parametrize(("error", "status", "title"), ERRORS)
async def test_an_error_is_a_page_with_the_way_to_all_others(error: Exception, status: int, title: str) -> None:
    page = await seen(error)

    assert page.status_code == status
    assert f'<h1 id="error">{title}</h1>' in page.text
    assert rooms_in(page) == ROOMS
    assert "Sign out" in page.text
    assert "a fault of ours" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_visitor_is_led_only_to_what_they_may_see() -> None:
    page = await seen(caller=a_caller("read:integrations"))

    assert (page.status_code, rooms_in(page)) == (403, ["Integrations"])
    assert 'href="/ui/sign-in?next=/ui/ledger%3Fa%3D1">Sign in with another token' in page.text
    assert 'role="search"' not in page.text


async def test_a_page_that_nobody_has_offers_a_search() -> None:
    page = await seen(path="/ui/no/such/page")

    assert (page.status_code, rooms_in(page)) == (404, ROOMS)
    assert 'role="search"' in page.text


async def test_who_is_not_signed_in_learns_nothing_of_addresses() -> None:
    page = await seen(path="/ui/no/such/page", cookie=None)

    assert (page.status_code, page.headers["location"]) == (303, "/ui/sign-in?next=%2Fui%2Fno%2Fsuch%2Fpage")


async def test_while_the_database_is_away_the_page_can_be_asked_for_again() -> None:
    page = await seen(caller=Unavailable("The database is away"))

    assert (page.status_code, rooms_in(page)) == (503, ROOMS)
    assert 'href="/ui/ledger?a=1">Try again</a>' in page.text
    assert "Sign out" not in page.text  # nobody knows who they are


def test_a_form_is_told_from_an_address() -> None:
    form, address = (
        render(Problem(Kind.INVALID, "why", (Fault((place, "days"), "is no number", "int"),)))
        for place in ("body", "query")
    )

    assert b"This form cannot be taken" in form.body
    assert b"This address cannot be read" in address.body


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_problem_has_a_page(kind: Kind) -> None:
    response: Any = render(Problem(kind, "why"))

    assert response.status_code == kind.status
    assert "<h1" in response.body.decode()
    assert 'href="/ui/orders">All orders</a>' in response.body.decode()


def test_a_form_that_may_be_taken_already_is_not_said_to_be_lost() -> None:
    problem = Problem(Kind.UNAVAILABLE, "The database is away", headers={"Retry-After": "1"})

    page = render(without_promise(problem)).body

    assert b"This may be done all the same" in page
    assert b"Nothing is lost; try again" not in page
