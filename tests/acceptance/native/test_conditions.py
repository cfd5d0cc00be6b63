"""Writes on a condition, and writes that are sent twice."""

import asyncio

import httpx
import pytest

from tests.native import ORDERS, amounts, an_order, append, assert_problem, comment, new_id, status

KEY = {"Idempotency-Key": "key-1"}


async def test_the_etag_of_an_order_is_what_if_match_takes(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    etag = (await http.get(f"{ORDERS}/{order_id}")).headers["etag"]

    first = await append(http, order_id, status("open"), **{"If-Match": etag})
    second = await append(http, order_id, status("closed"), **{"If-Match": first.headers["etag"]})

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["version"] == 3


@pytest.mark.parametrize("version", ['"1"', "1", "*", '"7", "1"', 'W/"2","1"', ', "1" ,, "x,y"', '"1", "1"'])
async def test_if_match_takes_a_version_in_the_forms_it_is_written_in(http: httpx.AsyncClient, version: str) -> None:
    order_id = await an_order(http)

    response = await append(http, order_id, status(), **{"If-Match": version})

    assert response.status_code == 201


async def test_another_version_than_if_match_names_is_a_412(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("open"))

    never = ('W/"2"', '"x"', '"-2"', '"0"', '"02"', '"1", W/"2", "3"', '""', f'"{2**63}"')
    for version in ('"1"', '"3"', f'"{2**63 - 1}"', *never):
        late = await append(http, order_id, status("closed"), **{"If-Match": version})
        assert_problem(late, 412, "precondition-failed")
    decision = await append(http, order_id, {"type": "order.created"}, **{"If-Match": '"1"'})

    assert_problem(decision, 412)
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["status"] == "open"


@pytest.mark.parametrize("version", ["", ",", "x", '"1', '"""1"""', "1.0", '*, "1"', '"1" "2"', 'w/"1"', "9" * 100])
async def test_a_malformed_if_match_is_refused(http: httpx.AsyncClient, version: str) -> None:
    order_id = await an_order(http)

    response = await append(http, order_id, status(), **{"If-Match": version})

    assert_problem(response, 422)
    assert response.json()["errors"][0]["pointer"] == "If-Match"


async def test_one_of_many_writers_at_the_same_version_wins(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    writers = [append(http, order_id, status(str(n)), **{"If-Match": '"1"'}) for n in range(10)]

    statuses = [response.status_code for response in await asyncio.gather(*writers)]

    assert sorted(statuses) == [201] + [412] * 9


async def test_a_replayed_key_returns_the_first_answer(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    first = await append(http, order_id, status("open"), comment("hello"), **KEY)
    await append(http, order_id, status("closed"))

    again = await append(http, order_id, status("open"), comment("hello"), **KEY)

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 4


async def test_a_key_that_many_use_at_once_is_used_once(http: httpx.AsyncClient) -> None:
    responses = await asyncio.gather(*[http.post(ORDERS, json={"reference": "web-1"}, headers=KEY) for _ in range(10)])

    assert len({response.content for response in responses}) == 1
    assert {response.status_code for response in responses} == {201}
    assert sum("idempotency-replayed" in response.headers for response in responses) == 9
    assert len((await http.get(ORDERS)).json()["items"]) == 1


async def test_a_key_with_another_request_is_a_422(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("open"), **KEY)

    other_body = await append(http, order_id, status("closed"), **KEY)
    other_path = await append(http, await an_order(http), status("open"), **KEY)
    decision = await http.post(f"{ORDERS}/{order_id}/transfer", json={"customer": {"id": "c"}}, headers=KEY)

    for response in (other_body, other_path, decision):
        assert_problem(response, 422, "key-reused")


@pytest.mark.parametrize("path", ["edit", "transfer", "split"])
async def test_a_decision_is_replayed_without_being_taken_again(http: httpx.AsyncClient, path: str) -> None:
    order_id = await an_order(http, totals=amounts(), customer={"id": "c-1"})
    body = {
        "edit": {"totals": amounts(9_000)},
        "transfer": {"customer": {"id": "c-2"}},
        "split": {"totals": amounts(1_000)},
    }[path]

    async def decide() -> httpx.Response:
        return await http.post(f"{ORDERS}/{order_id}/{path}", json=body, headers=KEY)

    together = await asyncio.gather(*[decide() for _ in range(5)])
    later = await decide()

    assert len({(response.status_code, response.content) for response in [*together, later]}) == 1
    assert later.headers["idempotency-replayed"] == "true"
    assert sum("idempotency-replayed" not in response.headers for response in together) == 1


async def test_reported_decisions_are_replayed_as_well(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    event = {"type": "order.split", "data": {"child_order_id": await an_order(http)}}

    first, again = await append(http, order_id, event, **KEY), await append(http, order_id, event, **KEY)

    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotency-replayed"] == "true"


async def test_keys_belong_to_their_tenant(http: httpx.AsyncClient, another_account) -> None:
    other = await another_account()
    await http.post(ORDERS, json={"order_id": "A-1"}, headers=KEY)

    theirs = await http.post(
        ORDERS, json={"order_id": "A-2"}, headers={**KEY, "Authorization": f"Bearer {other.token}"}
    )

    assert theirs.status_code == 201
    assert theirs.json()["order_id"] == "A-2"


async def test_an_event_id_is_recorded_once(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    first = await append(http, order_id, status("open", event_id="e-1"), status("closed", event_id="e-2"))

    again = await append(http, order_id, status("open", event_id="e-1"), status("closed", event_id="e-2"))

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 3


async def test_an_event_id_with_another_event_is_a_409(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("open", event_id="e-1"))

    other_data = await append(http, order_id, status("closed", event_id="e-1"))
    other_order = await append(http, await an_order(http), status("open", event_id="e-1"))
    with_more = await append(http, order_id, status("held", event_id="e-1"), status("closed"))
    of_an_order = await http.post(ORDERS, json={"order_id": new_id(), "event_id": "e-1"})

    for response in (other_data, other_order, with_more, of_an_order):
        assert_problem(response, 409, "conflict")
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 2


async def test_an_order_that_is_created_again_by_the_same_event_id_is_the_same(http: httpx.AsyncClient) -> None:
    body = {"order_id": "A-1", "event_id": "e-1", "reference": "web-1"}

    first, again = await http.post(ORDERS, json=body), await http.post(ORDERS, json=body)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
