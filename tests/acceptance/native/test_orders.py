"""Our own interface, as docs/http-api.md tells it: orders come into being, get events, and are read."""

import httpx

from tests.fix_server import Account
from tests.native import ORDERS, amounts, an_order, append, assert_problem, new_id, status


async def test_an_order_is_created_filled_and_read_back(http: httpx.AsyncClient) -> None:
    created = await http.post(ORDERS, json={"order_id": "A-1", "reference": "web-1"})

    appended = await append(http, "A-1", status("confirmed"))

    assert (created.status_code, appended.status_code) == (201, 201)
    assert appended.headers["etag"] == '"2"'
    timeline = (await http.get(f"{ORDERS}/A-1/timeline")).json()
    assert [item["type"] for item in timeline["items"]] == ["order.created", "order.status_updated"]
    assert timeline["next"] is None
    assert (await http.get(f"{ORDERS}/A-1")).json()["status"] == "confirmed"


async def test_a_created_order_has_what_it_was_created_with(http: httpx.AsyncClient) -> None:
    body = {"order_id": "A-1", "reference": "web-1", "created_by": "shop", "customer": {"id": "c1", "name": "Ann"}}
    await http.post(ORDERS, json={**body, "totals": amounts(4_500, discount=500)})

    order = (await http.get(f"{ORDERS}/A-1")).json()

    assert {name: order[name] for name in body} == body
    assert order["totals"]["total"]["cents"] == 4_500
    assert (order["state"], order["version"], order["status"], order["children"]) == ("pending", 1, None, [])


async def test_the_answer_to_a_new_order_says_where_its_event_stands(http: httpx.AsyncClient) -> None:
    response = await http.post(ORDERS, json={"order_id": "A-1", "event_id": "e-1"})

    assert response.headers["ordertrail-position"] == "1"
    assert response.headers["etag"] == '"1"'
    body = response.json()
    assert body["items"] == [{"event_id": "e-1", "type": "order.created", "version": 1, "position": 1}]
    assert (body["order_id"], body["version"]) == ("A-1", 1)


async def test_an_order_without_an_id_gets_one(http: httpx.AsyncClient) -> None:
    first = (await http.post(ORDERS, json={})).json()["order_id"]
    second = (await http.post(ORDERS, json={})).json()["order_id"]

    assert first != second
    assert (await http.get(f"{ORDERS}/{first}")).status_code == 200


async def test_an_order_is_created_once(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, created_by="first")

    again = await http.post(ORDERS, json={"order_id": order_id, "created_by": "second"})

    assert_problem(again, 409, "conflict")
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["created_by"] == "first"


async def test_an_order_in_two_currencies_is_refused(http: httpx.AsyncClient) -> None:
    totals = {**amounts(currency="EUR"), "discount": amounts(currency="USD")["discount"]}

    response = await http.post(ORDERS, json={"order_id": "A-1", "totals": totals})

    assert_problem(response, 409)
    assert "EUR, USD" in response.json()["detail"]
    assert_problem(await http.get(f"{ORDERS}/A-1"), 404)


async def test_an_order_is_not_given_an_id_that_cannot_stand_in_a_path(http: httpx.AsyncClient) -> None:
    for order_id in ("a/b", ".", "..", "", "a b", "é", "x" * 129):
        response = await http.post(ORDERS, json={"order_id": order_id})

        assert_problem(response, 422)
        assert response.json()["errors"][0]["pointer"] == "/order_id"


async def test_ids_of_all_other_visible_characters_work_in_paths(http: httpx.AsyncClient) -> None:
    order_id = "".join(chr(n) for n in range(0x21, 0x7F) if chr(n) != "/")
    await http.post(ORDERS, json={"order_id": order_id})

    path = f"{ORDERS}/{httpx.QueryParams(x=order_id)!s}".replace("x=", "", 1).replace("+", "%20")
    order = await http.get(path)

    assert order.json()["order_id"] == order_id


async def test_events_are_appended_together(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    response = await append(http, order_id, status("open"), status("confirmed"), status("shipped"))

    assert response.status_code == 201
    assert [item["version"] for item in response.json()["items"]] == [2, 3, 4]
    assert [item["position"] for item in response.json()["items"]] == [2, 3, 4]
    assert (response.json()["version"], response.headers["etag"]) == (4, '"4"')


async def test_of_events_that_are_appended_together_all_are_recorded_or_none(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    invalid = await append(http, order_id, status("open"), {"type": "order.status_updated"}, {"type": "order.eaten"})
    unfit = await append(http, order_id, status("open"), {"type": "order.created"})

    assert_problem(invalid, 422)
    pointers = [error["pointer"] for error in invalid.json()["errors"]]
    assert pointers == ["/events/1/data/status", "/events/2/type"]
    assert_problem(unfit, 409)
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 1


async def test_an_event_carries_its_circumstances(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    circumstances = {
        "actor": {"id": "u-7", "name": "Kim", "type": "User", "application_id": "app-1"},
        "correlation_id": "c-1",
        "causation_id": "e-0",
        "event_id": "e-1",
        "occurred_at": "2026-03-01T13:00:00.123456+01:00",
    }

    await append(http, order_id, status(**circumstances))

    event = (await http.get(f"{ORDERS}/{order_id}/timeline")).json()["items"][1]
    assert {name: event[name] for name in circumstances} == {
        **circumstances,
        "occurred_at": "2026-03-01T12:00:00.123456Z",
    }


async def test_an_event_without_an_actor_is_by_the_credential(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http)

    actor = (await http.get(f"{ORDERS}/{order_id}/timeline")).json()["items"][0]["actor"]

    assert actor == {"id": account.key_id, "name": "Test", "type": "Application", "application_id": account.key_id}


async def test_a_time_without_an_offset_is_refused(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    for occurred_at in ("2026-03-01T12:00:00", "2026-03-01"):
        response = await append(http, order_id, status(occurred_at=occurred_at))

        assert_problem(response, 422)
        assert response.json()["errors"][0]["pointer"] == "/occurred_at"
        assert_problem(await http.post(ORDERS, json={"occurred_at": occurred_at}), 422)


async def test_an_event_of_an_order_that_does_not_exist_is_refused(http: httpx.AsyncClient) -> None:
    assert_problem(await append(http, new_id(), status()), 404, "not-found")
    assert_problem(await append(http, new_id(), {"type": "order.edited", "data": _edit(1, 2)}), 404, "not-found")


async def test_an_implicit_tenants_orders_begin_with_their_first_event(implicit_account: Account) -> None:
    headers = {"Authorization": f"Bearer {implicit_account.token}"}
    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers) as http:
        response = await append(http, "A-1", status("confirmed"))
        order = await http.get(f"{ORDERS}/A-1")

        assert response.json()["version"] == 1
        assert order.json()["status"] == "confirmed"
        assert_problem(await append(http, "A-2", status(), **{"If-Match": "*"}), 404)
        assert_problem(await append(http, "A-2", {"type": "order.created"}, **{"If-Match": "*"}), 404)


async def test_services_reports_make_the_state_of_an_order(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    states = []

    for state in ("pending", "success", "failure", "success"):
        data = {"state": state, "service": "wms", "service_status": state.upper()}
        await append(http, order_id, {"type": "order.service_event_recorded", "data": data})
        states.append((await http.get(f"{ORDERS}/{order_id}")).json()["state"])

    assert states == ["pending", "success", "failure", "failure"]
    services = (await http.get(f"{ORDERS}/{order_id}")).json()["services"]
    assert services["wms"]["status"] == "SUCCESS"


def _edit(before: int, after: int) -> dict[str, object]:
    pairs = zip(amounts(before).items(), amounts(after).values(), strict=True)
    return {name: {"before": old, "after": new} for (name, old), new in pairs}
