"""Sendcloud's words and ours."""

import json
from datetime import UTC, datetime

import pytest

from api.dialects.sendcloud.errors import render
from api.dialects.sendcloud.mapping import event_of, log
from api.dialects.sendcloud.models import LOG, NewLog
from api.http.problems import Fault, Kind, Problem
from tests.builders import NOON, a_caller, an_exception


def test_the_vendors_example_survives_there_and_back() -> None:
    event = event_of(123, NewLog.model_validate(LOG), a_caller())

    assert log(7, event) == {"id": 7, "integration_id": 123, **LOG, "protected": False, "additional_data": ""}


def test_a_failure_occurred_when_the_client_says() -> None:
    body = NewLog(base_url="x", created_at="2023-03-01T02:02:00+01:00")

    assert event_of(1, body, a_caller()).occurred_at == datetime(2023, 3, 1, 1, 2, tzinfo=UTC)


def test_without_a_time_of_the_clients_ours_is_told() -> None:
    assert log(1, an_exception(timestamp=NOON))["created_at"] == NOON.isoformat()


def test_members_that_were_not_sent_are_not_made_up() -> None:
    body = NewLog.model_validate({"base_url": "x", "request": {}, "response": {"other": {"a": None}}})

    event = event_of(1, body, a_caller())

    assert (event.request, event.response) == ({}, {"other": {"a": None}})


def test_further_members_keep_what_they_are_whatever_they_are_called() -> None:
    body = NewLog.model_validate({"base_url": "x", "request": {"Headers": 1, "model_config": 2, "_": 3}})

    assert event_of(1, body, a_caller()).request == {"Headers": 1, "model_config": 2, "_": 3}


def test_a_leap_second_is_told_as_we_know_it() -> None:
    event = event_of(1, NewLog(base_url="x", created_at="2017-01-01T00:59:60.0+01:00"), a_caller())

    assert log(1, event)["created_at"] == "2017-01-01T00:00:00+00:00"


def test_an_error_without_a_place_has_no_source() -> None:
    [error] = json.loads(render(Problem(Kind.FORBIDDEN, "no")).body)["errors"]

    assert error == {"status": "403", "code": "forbidden", "title": "Forbidden", "detail": "no"}


def test_every_fault_is_an_error_of_its_own_with_its_place() -> None:
    faults = (
        Fault(("body", "unknown_field"), "Extra inputs are not permitted", "extra_forbidden"),
        Fault(("path", "id"), "x", "int_parsing"),
        Fault(("header", "Idempotency-Key"), "x", "string_too_long"),
    )

    first, second, third = json.loads(render(Problem(Kind.INVALID, "", faults)).body)["errors"]

    assert first == {
        "status": "400",
        "code": "extra_forbidden",
        "title": "Extra Forbidden",
        "detail": "Extra inputs are not permitted",
        "source": {"pointer": "body/unknown_field"},
    }
    assert second["source"] == {"parameter": "id"}
    assert third["source"] == {"header": "Idempotency-Key"}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_problem_has_a_code(kind: Kind) -> None:
    answer = render(Problem(kind, "x"))

    [error] = json.loads(answer.body)["errors"]
    assert error["status"] == str(answer.status_code)
    assert error["code"]
