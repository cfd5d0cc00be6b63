"""Service events and problems in Dintero's form."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.dintero.errors import render
from api.dialects.dintero.mapping import api_event, short_id, status_event, status_event_of
from api.http.problems import Fault, InvalidRequest, Kind, Problem, problem_of
from application.views.projections.entries import Entry
from application.views.projections.service_events import SERVICE_EVENTS, ServiceEventRow
from domain.errors import OrderNotFound
from domain.values import Actor
from tests.builders import NOON, a_moment, a_service_event, an_actor, an_event, recorded
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "dintero"


def error_of(problem: Problem) -> tuple[int, Any]:
    response = render(problem)
    return response.status_code, json.loads(bytes(response.body))


def test_a_report_is_the_same_when_it_is_created_and_when_it_is_listed() -> None:
    documented = json.loads((FIXTURES / "create_event_response.json").read_text())
    event = a_service_event(
        event_id=documented["id"],
        actor=an_actor(id=documented["created_by"]),
        **{name: documented[name] for name in ("service", "service_status", "description", "metadata")},
    )
    [row] = SERVICE_EVENTS.rows([Entry(recorded(event))], {})
    assert isinstance(row, ServiceEventRow)

    created, listed = status_event(event, row.recorded_at, row.version), status_event_of(row)

    assert created == listed == {**documented, "created_at": "2026-03-01T12:00:01.000Z"}


def test_what_was_not_reported_is_left_out() -> None:
    body = status_event(a_service_event(event_id="e1"), a_moment(0.1239), 7)

    assert body == {
        "state": "success",
        "service": "wms",
        "service_status": "OK",
        "id": "e1",
        "created_at": "2026-03-01T12:00:00.123Z",
        "version": 7,
    }


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=128))
def test_ids_have_at_most_40_characters_and_stay_the_same(id_: str) -> None:
    short = short_id(id_)

    assert short == (id_ or None) if len(id_) <= 40 else re.fullmatch("[0-9a-f]{40}", short or "")
    assert short == short_id(id_)


def test_ids_that_are_too_long_are_told_apart() -> None:
    assert len({short_id("x" * n) for n in range(30, 128)}) == 98


@pytest.mark.parametrize(
    ("actor", "created_by"),
    [
        (an_actor(id="p" * 41), short_id("p" * 41)),
        (an_actor(id="", application_id="k1"), "k1"),
        (an_actor(id=""), None),
    ],
)
def test_an_event_is_by_the_user_or_else_by_the_client(actor: Actor, created_by: str | None) -> None:
    report, action = a_service_event(actor=actor, event_id="e1"), an_event(actor=actor, event_id="e1")
    [row] = SERVICE_EVENTS.rows([Entry(recorded(report))], {})
    assert isinstance(row, ServiceEventRow)

    bodies = (status_event(report, NOON, 1), status_event_of(row), api_event(recorded(action)))

    assert [body.get("created_by") for body in bodies] == [created_by] * 3


def test_an_order_that_does_not_exist_has_the_documents_code() -> None:
    documented = json.loads((FIXTURES / "not_found.json").read_text())["error"]

    status, body = error_of(problem_of(OrderNotFound("A-1")))

    assert (status, body["error"]["code"]) == (404, documented["code"])


def test_an_invalid_request_names_each_fault() -> None:
    status, body = error_of(problem_of(InvalidRequest(Fault(("body", "service"), "Field required", "missing"))))

    assert status == 400
    assert body == {
        "error": {
            "code": "BAD REQUEST",
            "message": "body.service: Field required",
            "errors": [{"field": "body.service", "message": "Field required", "type": "missing"}],
        }
    }


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Kind.UNAUTHENTICATED, 401, "ACCESS FORBIDDEN"),
        (Kind.FORBIDDEN, 403, "FORBIDDEN"),
        (Kind.CONFLICT, 409, "CONFLICT"),
        (Kind.TOO_MANY, 429, "TOO MANY REQUESTS"),
        (Kind.INTERNAL, 500, "SERVER ERROR"),
    ],
)
def test_a_problem_has_a_code_in_words(kind: Kind, status: int, code: str) -> None:
    assert error_of(Problem(kind, "why")) == (status, {"error": {"code": code, "message": "why", "errors": []}})
