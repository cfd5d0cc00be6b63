"""Service events and problems in Dintero's form."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.dialects.dintero.errors import render
from api.dialects.dintero.mapping import status_event, status_event_of
from api.problems import Fault, InvalidRequest, Kind, Problem, problem_of
from application.projections.entries import Entry
from application.projections.service_events import SERVICE_EVENTS, ServiceEventRow
from domain.errors import OrderNotFound
from tests.builders import a_moment, a_service_event, an_actor, recorded

FIXTURES = Path(__file__).parents[1] / "fixtures" / "dintero"


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

    created, listed = status_event(event, row.recorded_at), status_event_of(row)

    assert created == listed == {**documented, "created_at": "2026-03-01T12:00:01.000Z"}


def test_what_was_not_reported_is_left_out() -> None:
    body = status_event(a_service_event(event_id="e1"), a_moment(0.1239))

    assert body == {
        "state": "success",
        "service": "wms",
        "service_status": "OK",
        "id": "e1",
        "created_at": "2026-03-01T12:00:00.123Z",
        "created_by": "",
    }


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
