"""Domain events under SHOPLINE's keys and shapes."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.shopline.actions import ACTIONS, action_log
from api.dialects.shopline.errors import render
from api.dialects.shopline.values import new_object_id, seen_time
from api.http.problems import Fault, InvalidRequest, Kind, Problem, TooManyRequests, problem_of
from application.views.projections.action_log import ACTION_LOG, ActionLogRow
from application.views.projections.entries import Entry
from domain.errors import OrderChanged, RuleViolation
from domain.events.catalogue import CATALOGUE, ORDER_ACTIONS
from domain.events.lifecycle import StatusUpdated
from domain.events.payment import PaymentMethodChanged
from tests.builders import a_moment, an_actor, an_event, recorded
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "shopline"
KEYS: dict[str, Any] = json.loads((FIXTURES / "keys.json").read_text())
EXAMPLES = json.loads((FIXTURES / "actions.json").read_text())


def body_of(response: Any) -> Any:
    return json.loads(response.body)


def test_every_key_of_the_document_is_an_action_of_ours_in_the_same_order() -> None:
    assert [key for key, _ in ACTIONS.values()] == list(KEYS)
    assert len(KEYS) == 42


def test_every_action_of_the_domain_has_a_key() -> None:
    assert set(ACTIONS) == set(ORDER_ACTIONS)


def test_members_are_those_of_the_document() -> None:
    assert {key: members and list(members) for key, members in ACTIONS.values()} == {
        key: shape and list(shape) for key, shape in KEYS.items()
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_an_action_has_its_key_and_its_data(example: dict[str, Any]) -> None:
    event = an_event(CATALOGUE[example["type"]], **example["data"])

    log = action_log(event)  # type: ignore[arg-type]

    assert (log["key"], log["data"]) == (example["key"], example["log"])


def test_the_performer_is_the_actor() -> None:
    event = an_event(actor=an_actor(application_id="app-1"), timestamp=a_moment(0.304999))

    log = action_log(event)

    assert log == {
        "key": "updated_status",
        "data": {"updated_status": "confirmed", "reason": ""},
        "created_at": "2026-03-01T12:00:00.304Z",
        "performer_name": "Ada",
        "performer_type": "Staff",
        "performer_id": "u1",
        "performing_application_id": "app-1",
        "performer_application_id": "app-1",
    }


def test_what_is_not_known_of_the_performer_is_an_empty_text() -> None:
    log = action_log(an_event())

    performer = {name: value for name, value in log.items() if name.startswith("perform")}
    assert performer == dict.fromkeys(
        (
            "performer_name",
            "performer_type",
            "performer_id",
            "performing_application_id",
            "performer_application_id",
        ),
        "",
    )


def test_languages_are_written_as_shopline_does() -> None:
    event = an_event(PaymentMethodChanged, method={"before": {"zh-Hant": "現金", "zh_CN": "现金"}, "after": {}})

    data = action_log(event)["data"]

    assert data == {"from_payment_method": {"zh-hant": "現金", "zh-cn": "现金"}, "to_payment_method": {}}


def test_what_was_stored_in_an_old_schema_comes_out_in_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    [row] = ACTION_LOG.rows([Entry(recorded(an_event(reason="paid")))], {})
    assert isinstance(row, ActionLogRow)
    old = row._replace(data=b'{"state":"confirmed","why":"paid"}')

    def upcast(data: dict[str, Any]) -> None:
        data["status"], data["reason"] = data.pop("state"), data.pop("why")

    monkeypatch.setattr(StatusUpdated, "class_version", 2)
    monkeypatch.setattr(StatusUpdated, "upcast_v1_v2", staticmethod(upcast), raising=False)

    assert action_log(old.action)["data"] == {"updated_status": "confirmed", "reason": "paid"}
    assert action_log(row._replace(schema_version=2).action)["data"]["reason"] == "paid"


def test_an_invalid_request_says_error_message_code_and_extras() -> None:
    response = render(problem_of(InvalidRequest(Fault(("path", "id"), "is too long", "string_too_long"))))

    assert response.status_code == 422
    assert body_of(response) == {
        "error": "Invalid request",
        "message": "path.id: is too long",
        "code": "UnprocessableEntity",
        "extras": {"errors": [{"field": "path.id", "message": "is too long"}]},
    }


@pytest.mark.parametrize("kind", list(Kind))
def test_every_problem_has_the_message_and_the_code_that_the_vendors_sdk_reads(kind: Kind) -> None:
    body = body_of(render(Problem(kind, "what happened")))

    assert (body["message"], type(body["code"])) == ("what happened", str)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Kind.UNAUTHENTICATED, 401, "Unauthorized"),
        (Kind.FORBIDDEN, 403, "Forbidden"),
        (Kind.NOT_FOUND, 404, "NotFound"),
        (Kind.METHOD_NOT_ALLOWED, 405, "MethodNotAllowed"),
        (Kind.GONE, 410, "Gone"),
        (Kind.INTERNAL, 500, "InternalServerError"),
    ],
)
def test_other_problems_say_message_and_code(kind: Kind, status: int, code: str) -> None:
    response = render(Problem(kind, "what happened"))

    assert (response.status_code, body_of(response)) == (status, {"message": "what happened", "code": code})


def test_too_many_requests_are_told_as_the_guide_has_it() -> None:
    response = render(problem_of(TooManyRequests(1)))

    assert response.status_code == 429
    assert body_of(response) == {
        "error": "Too many requests with this credential; try again in 1 s",
        "message": "Too many requests with this credential; try again in 1 s",
        "code": "RateLimitExceeded",
    }


def test_what_the_order_does_not_allow_is_a_422() -> None:
    response = render(problem_of(RuleViolation("Order 1001 is cancelled already")))

    assert response.status_code == 422
    assert body_of(response) == {
        "error": "Conflict",
        "message": "Order 1001 is cancelled already",
        "code": "UnprocessableEntity",
        "extras": {"errors": []},
    }


def test_an_order_that_was_changed_since_has_the_vendors_code() -> None:
    response = render(problem_of(OrderChanged("1001")))

    assert response.status_code == 422
    assert body_of(response)["code"] == "parent_order_updated"


def test_a_body_that_is_not_json_is_a_400() -> None:
    response = render(problem_of(InvalidRequest(Fault(("body",), "is not JSON", "json_invalid"))))

    assert response.status_code == 400
    assert body_of(response) == {
        "error": "body: is not JSON",
        "message": "body: is not JSON",
        "code": "BadRequest",
        "caused_by": {"errors": [{"field": "body", "message": "is not JSON"}]},
    }


def test_ids_are_24_hexadecimal_digits_that_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.dialects.shopline.values.time.time", lambda: 1_635_826_000.9)

    assert re.fullmatch("6180b950[0-9a-f]{16}", new_object_id())


MOMENT = datetime(2022, 8, 5, 7, 59, 9, 304_999, UTC)


@pytest.mark.parametrize(
    "told",
    [
        "2022-08-05 07:59:09",
        "2022-08-05 07:59:09 UTC",
        "2022-08-05T07:59:09Z",
        "2022-08-05 15:59:09 +0800",
        "2022-08-05T15:59:09+08:00",
        "2022-08-05T07:59:09.3",
        "2022-08-05T07:59:09.304Z",
        "2022-08-05T07:59:09.304+00:00",
        "2022-08-05t07:59:09.304999z",
        "2022-08-05 07:59:09.304999123",
    ],
)
def test_a_time_is_known_again_as_precisely_as_it_was_written(told: str) -> None:
    assert seen_time(told).is_of(MOMENT)


@pytest.mark.parametrize(
    "told",
    [
        "2022-08-05 07:59:08",
        "2022-08-05 07:59:10",
        "2022-08-05 15:59:09",
        "2022-08-05 07:59:09.0",
        "2022-08-05 07:59:09.305",
        "2022-08-05 07:59:09.3040",
        "2022-08-05T07:59:09.305+00:00",
    ],
)
def test_another_time_is_not_taken_for_it(told: str) -> None:
    assert not seen_time(told).is_of(MOMENT)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)), st.integers(0, 6))
def test_a_time_that_was_cut_anywhere_is_known_again(moment: datetime, digits: int) -> None:
    written = moment.isoformat(sep=" ", timespec="microseconds")[:26]

    assert seen_time(written[: 19 + (digits and digits + 1)]).is_of(moment)


@pytest.mark.parametrize(
    "told",
    [
        1_635_826_000,
        "1635826000",
        "2021-11-02",
        "",
        None,
        "0001-01-01T00:00:00",
        "2022-08-05 07:59",
        "2022-08-05 07:59:60",
    ],
)
def test_what_is_no_time_is_refused(told: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 each says it in its own words
        seen_time(told)
