"""HEAD is taken wherever GET is, and Allow names all that a path takes, whichever routes take it."""

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import LOGS
from tests.fix_server import Account
from tests.native import ORDERS, assert_problem


async def test_head_is_the_head_of_get(
    account: Account, http: httpx.AsyncClient, sendcloud: httpx.AsyncClient, carriyo: httpx.AsyncClient
) -> None:
    native = ["", "/A-1", "/A-1/timeline", "/A-1/proofs", "/none"]
    of_ours = [*(ORDERS + path for path in native), "/trail/v1/feed", "/trail/v1/integrations/123", "/docs", "/healthz"]
    for client, path in [
        *((http, path) for path in of_ours),
        (http, "/v1/orders/A-1/action_logs"),
        (http, f"/v1/accounts/{account.dintero_account}/shopping/orders/A-1/events"),
        (sendcloud, "/api/v3/integrations"),
        (sendcloud, "/api/v3/integrations/123/logs"),
        (carriyo, LOGS),
    ]:
        get, head = await client.get(path), await client.head(path)

        assert (head.status_code, head.content) == (get.status_code, b""), path
        same = {"content-type", "etag", "content-length", "link"} - ({"content-length"} if "proofs" in path else set())
        assert {k: v for k, v in head.headers.items() if k in same} == {
            k: v for k, v in get.headers.items() if k in same
        }


async def test_head_needs_the_credential_of_get(account: Account) -> None:
    async with httpx.AsyncClient(base_url=account.url) as nobody:
        assert (await nobody.head(ORDERS)).status_code == 401


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (ORDERS, "GET, HEAD, POST"),
        (f"{ORDERS}/A-1/integrations/5", "DELETE, PUT"),
        (f"{ORDERS}/A-1/events", "POST"),
        ("/trail/v1/retention", "GET, HEAD, PUT"),
        ("/trail/v1/integrations/5", "GET, HEAD, PUT"),
        ("/api/v3/integrations/5/logs", "GET, HEAD, POST"),
        ("/orders/A-1/system-logs", "GET, HEAD, POST"),
        ("/oauth/token", "POST"),
        ("/v1/accounts/T12345678/shopping/orders/A-1/events", "GET, HEAD, POST"),
        ("/healthz", "GET, HEAD"),
    ],
)
async def test_allow_names_every_method_of_a_path(http: httpx.AsyncClient, path: str, allowed: str) -> None:
    for method in ("PATCH", "OPTIONS"):
        answer = await http.request(method, path)

        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_head_is_not_taken_where_get_is_not(http: httpx.AsyncClient) -> None:
    answer = await http.head(f"{ORDERS}/A-1/events")

    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "POST", b"")
    assert_problem(await http.get(f"{ORDERS}/A-1/events"), 405)
