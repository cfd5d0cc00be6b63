"""Domain events under SHOPLINE's keys and shapes."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.dialects.shopline import ACTIONS, action_log, render
from api.problems import Fault, InvalidRequest, Kind, Problem, problem_of
from application.projections.action_log import ACTION_LOG, ActionLogRow
from application.projections.entries import Entry
from domain.events.catalogue import CATALOGUE, ORDER_ACTIONS
from domain.events.lifecycle import StatusUpdated
from domain.events.payment import PaymentMethodChanged
from tests.builders import a_moment, an_actor, an_event, recorded

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopline"
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
    }


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


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Kind.UNAUTHENTICATED, 401, "Unauthorized"),
        (Kind.FORBIDDEN, 403, "Forbidden"),
        (Kind.NOT_FOUND, 404, "NotFound"),
        (Kind.METHOD_NOT_ALLOWED, 405, "MethodNotAllowed"),
        (Kind.TOO_MANY, 429, "RateLimitExceeded"),
        (Kind.INTERNAL, 500, "InternalServerError"),
    ],
)
def test_other_problems_say_message_and_code(kind: Kind, status: int, code: str) -> None:
    response = render(Problem(kind, "what happened"))

    assert (response.status_code, body_of(response)) == (status, {"message": "what happened", "code": code})
