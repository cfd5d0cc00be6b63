"""`ordertrail forget`: what is personal cannot be read any more, in any interface, nor in a dump of the database."""

import subprocess
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from domain.values import Actor
from tests.acceptance.carriyo.fix_carriyo import headers_of, logged
from tests.acceptance.sendcloud.fix_sendcloud import INTEGRATIONS, new_log
from tests.dumps import dump
from tests.fix_server import ORDERTRAIL, Account
from tests.native import an_order, append, comment, new_id, pages, status

WORDS = 1_000
"""A body of so many repeats is kept beside the ledger."""


def forget(account: Account, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(ORDERTRAIL), "forget", "--tenant", account.tenant, "--dsn", account.dsn, *arguments]
    return subprocess.run(command, input=answer, capture_output=True, text=True, timeout=60, check=False)


def forgotten(account: Account, *arguments: str) -> str:
    """Forget, and return what was printed."""
    result = forget(account, "--yes", *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def verified(account: Account, *arguments: str) -> int:
    """Return the exit status of `ordertrail verify`."""
    command = [str(ORDERTRAIL), "verify", "--tenant", account.tenant, "--dsn", account.dsn, *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


def found(text: str, *words: str) -> set[str]:
    """Return which of these words are in a text, as they are or in hexadecimal."""
    return {word for word in words if word in text or word.encode().hex() in text or word.lower() in text}


async def tell(account: Account, http: httpx.AsyncClient, order_id: str, words: dict[str, str]) -> None:
    """Tell something personal in whatever way there is."""
    customer = {"id": words["customer id"], "name": words["customer"]}
    person = {"id": "u-7", "name": words["person"]}
    await an_order(http, order_id=order_id, reference=f"web-{order_id}", customer=customer)
    report = {
        "state": "success",
        "service": "wms",
        "service_status": "OK",
        "description": words["description"],
        "metadata": {"to": words["address"]},
    }
    cancel = {"reason": words["reason"], "performer_ip": words["ip"]}
    answer = await append(
        http,
        order_id,
        comment(words["comment"], actor=person),
        {"type": "order.service_event_recorded", "data": report},
        {"type": "order.cancellation_requested", "data": cancel, "actor": person},
        {
            "type": "order.transferred",
            "data": {"original_customer": customer, "new_customer": {"id": "c-2", "name": words["heir"]}},
        },
        status("open"),
    )
    assert answer.status_code == 201, answer.text
    headers = await headers_of(account, account.key_id, account.secret)
    async with httpx.AsyncClient(base_url=account.url, headers=headers, timeout=30) as carriyo:
        await logged(carriyo, order_id=order_id, request_url=words["url"], request_body=words["body"] * WORDS)
    async with httpx.AsyncClient(base_url=account.url, auth=(account.key_id, account.secret), timeout=30) as sendcloud:
        await http.put("/trail/v1/integrations/123", json={"shop_name": "Example"})
        failed = {"base_url": f"https://{words['host']}", "exception": words["exception"]}
        await new_log(
            sendcloud, request={"to": words["call"]}, response={"said": words["large call"] * WORDS}, **failed
        )


async def read(account: Account, http: httpx.AsyncClient, order_id: str) -> str:
    """Return what the interfaces show."""
    headers = await headers_of(account, account.key_id, account.secret)
    async with httpx.AsyncClient(base_url=account.url, headers=headers, timeout=30) as carriyo:
        answers = [await carriyo.get(f"/orders/{order_id}/{logs}") for logs in ("system-logs", "change-logs")]
    async with httpx.AsyncClient(base_url=account.url, auth=(account.key_id, account.secret), timeout=30) as sendcloud:
        answers += [await sendcloud.get(f"{INTEGRATIONS}{logs}") for logs in ("/logs", "/123/logs")]
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/timeline?limit=100", "/orders", "/feed"):
        answers.append(await http.get(f"/trail/v1{path}"))
    answers.append(await http.get(f"/trail/v1/orders/{order_id}?version=2"))
    answers.append(await http.get(f"/v1/orders/{order_id}/action_logs"))
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    return "".join(answer.text for answer in answers)


async def rows(account: Account, statement: LiteralString) -> list[tuple[Any, ...]]:
    async with await psycopg.AsyncConnection.connect(account.dsn) as connection:
        return await (await connection.execute(statement, [account.tenant])).fetchall()


async def events(account: Account) -> list[tuple[Any, ...]]:
    """Return the ledger as it is stored."""
    return await rows(account, "SELECT e::text, type FROM ordertrail.events AS e WHERE tenant = %s ORDER BY position")


async def keys(account: Account) -> list[tuple[Any, ...]]:
    """Return the destroyed keys."""
    statement: LiteralString = (
        "SELECT subject, wrapped, destroyed_by FROM ordertrail.subject_keys WHERE tenant = %s AND wrapped IS NULL"
    )
    return await rows(account, statement)


@pytest.fixture
def words() -> dict[str, str]:
    """Words that are nowhere else in the database."""
    names = (
        "customer",
        "customer id",
        "heir",
        "person",
        "ip",
        "address",
        "comment",
        "url",
        "reason",
        "description",
        "host",
        "exception",
        "body",
        "call",
        "large call",
    )
    return {name: f"{name.title()} {new_id()}" for name in names}


async def test_what_is_forgotten_is_in_no_interface_and_in_no_dump(
    account: Account, http: httpx.AsyncClient, words: dict[str, str]
) -> None:
    order_id = new_id()
    await tell(account, http, order_id, words)
    told = {word for name, word in words.items() if name != "body"}
    assert found(await read(account, http, order_id), *words.values()) >= told
    # Only what orders are found by was ever stored as it is.
    assert found(dump(account.dsn).decode(), *words.values()) <= {
        words["heir"],
        words["customer"],
        words["customer id"],
    }

    forgotten(account, "--order", order_id, "--person", "u-7", "--integration", "123")

    assert found(dump(account.dsn).decode(), *words.values()) == set()
    shown = await read(account, http, order_id)
    assert found(shown, *words.values()) == set()
    assert "[redacted]" in shown


async def test_the_events_stay_byte_for_byte(account: Account, http: httpx.AsyncClient, words: dict[str, str]) -> None:
    await tell(account, http, "A-1", words)
    before = await events(account)

    forgotten(account, "--order", "web-A-1", "--person", "u-7", "--integration", "123")

    after = await events(account)
    assert after[: len(before)] == before
    assert [type_ for _, type_ in after[len(before) :]] == [
        "order.redacted",
        "person.forgotten",
        "integration.redacted",
    ]


async def test_the_ledger_and_the_views_are_proven_as_before(
    account: Account, http: httpx.AsyncClient, words: dict[str, str]
) -> None:
    await tell(account, http, "A-1", words)
    assert verified(account) == verified(account, "--views") == 0

    forgotten(account, "--order", "A-1", "--person", "u-7", "--integration", "123")

    assert verified(account) == verified(account, "--views") == 0


async def test_who_asked_is_kept(account: Account, http: httpx.AsyncClient) -> None:
    await an_order(http, order_id="A-1", customer={"id": "c-9", "name": "Ann Li"})

    forgotten(account, "--order", "A-1", "--by", "privacy-desk-4711")

    redacted = (await pages(http, "/trail/v1/orders/A-1/timeline"))[-1]
    assert (redacted["type"], redacted["actor"]["id"]) == ("order.redacted", "privacy-desk-4711")
    assert await keys(account) == [("order-A-1", None, "privacy-desk-4711")]


async def test_a_forgotten_person_stays_so_in_whatever_they_do(account: Account, http: httpx.AsyncClient) -> None:
    name, other = f"Kim {new_id()}", f"Lee {new_id()}"
    key = await account.key("admin", performer=Actor(id="u-7", name=name))
    theirs = {"Authorization": f"Bearer {key['token']}"}
    for order_id in ("A-1", "B-2"):
        await an_order(http, order_id=order_id, customer={"id": "c-9", "name": "Ann Li"})
        await append(http, order_id, status("open"), **theirs)
        await append(http, order_id, status("held", actor={"id": "u-8", "name": other}))

    assert forgotten(account, "--person", "u-7") == "Person u-7 is forgotten.\n"
    await append(http, "A-1", status("shipped"), **theirs)
    await append(http, "A-1", status("sold", actor={"id": "u-7", "name": name}))

    items = [*await pages(http, "/trail/v1/orders/A-1/timeline"), *await pages(http, "/trail/v1/orders/B-2/timeline")]
    names = [item["actor"]["name"] for item in items if item["type"] == "order.status_updated"]
    assert names == ["[redacted]", other, "[redacted]", "[redacted]", "[redacted]", other]
    assert {item["actor"]["id"] for item in items} >= {"u-7", "u-8"}
    assert (await http.get("/trail/v1/orders/A-1")).json()["customer"]["name"] == "Ann Li"
    assert found(dump(account.dsn).decode(), name) == set()


async def test_the_customers_address_goes_with_the_order_whoever_told_it(
    account: Account, http: httpx.AsyncClient, words: dict[str, str]
) -> None:
    await an_order(http, order_id="A-1")
    await http.put("/trail/v1/integrations/123", json={})
    cancel = {"reason": words["reason"], "performer_ip": words["ip"]}
    program = {"id": "p-1", "name": "Shop", "type": "Application"}
    for n, actor in enumerate((program, None, {"id": "c-9", "type": "Customer"})):
        told = {"type": "order.cancellation_requested", "data": cancel, "event_id": f"e-{n}"}
        await append(http, "A-1", told if actor is None else {**told, "actor": actor})

    forgotten(account, "--order", "A-1")

    assert found(await read(account, http, "A-1"), words["ip"], words["reason"]) == set()
    assert found(dump(account.dsn).decode(), words["ip"], words["reason"]) == set()


async def test_an_order_that_is_forgotten_leaves_its_performers(account: Account, http: httpx.AsyncClient) -> None:
    await an_order(http, order_id="A-1", customer={"id": "c-9", "name": "Ann Li"})
    await append(http, "A-1", comment("Secret", actor={"id": "u-7", "name": "Kim"}))

    assert forgotten(account, "--order", "A-1") == "Order A-1 is forgotten.\n"

    commented = (await pages(http, "/trail/v1/orders/A-1/timeline"))[1]
    assert (commented["data"]["text"], commented["actor"]["name"]) == ("[redacted]", "Kim")


async def test_forgetting_again_erases_what_came_since(account: Account, http: httpx.AsyncClient) -> None:
    await an_order(http, order_id="A-1")
    forgotten(account, "--order", "A-1", "--person", "u-7")

    again = forgotten(account, "--order", "A-1", "--person", "u-7")

    assert again.splitlines() == [
        "Order A-1 was forgotten before; what was recorded since is forgotten too.",
        "Person u-7 is forgotten.",
    ]
    types = [item["type"] for item in (await http.get("/trail/v1/feed")).json()["items"]]
    assert types == ["order.created", "order.redacted", "person.forgotten"]


async def test_nothing_is_forgotten_before_somebody_says_yes(account: Account, http: httpx.AsyncClient) -> None:
    await an_order(http, order_id="A-1", customer={"id": "c-9", "name": "Ann Li"})

    refused = forget(account, "--order", "A-1", answer="n\n")
    unanswered = forget(account, "--order", "A-1")
    unsaid = forget(account, "--yes")

    assert (refused.returncode, unanswered.returncode, unsaid.returncode) == (1, 1, 2)
    assert (await http.get("/trail/v1/orders/A-1")).json()["customer"]["name"] == "Ann Li"
    assert forget(account, "--order", "A-1", answer="y\n").returncode == 0
    assert (await http.get("/trail/v1/orders/A-1")).json()["customer"] is None


def test_what_cannot_be_forgotten(account: Account) -> None:
    for arguments, told in (
        (("--order", "A-404"), "A-404"),
        (("--integration", "404"), "404"),
        (("--tenant", "nobody", "--order", "A-1"), "nobody"),
    ):
        result = forget(account, "--yes", *arguments)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("ordertrail: ")
        assert told in result.stderr

    assert forgotten(account, "--person", "u-404") == "Nothing is kept about person u-404, and nothing will be.\n"
