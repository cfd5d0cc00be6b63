"""Carriyo's words and ours."""

import json
from datetime import UTC, datetime

import pytest
from fastapi.exceptions import RequestValidationError

from api.dialects.carriyo.errors import render
from api.dialects.carriyo.mapping import LAST_MILLISECOND, call_of, event_of, position_of, system_log
from api.dialects.carriyo.models import NewSystemLog, SystemLogQuery
from api.dialects.carriyo.tokens import render_token_error
from api.http.problems import Kind, Problem, problem_of
from application.bodies.port import BodyPlace
from domain.events.records import CallDirection
from domain.values import BodyRef
from tests.builders import a_caller, a_system_log

CONTENT = BodyRef(digest="ab" * 32, size=2)


def test_the_example_of_the_documentation_is_a_valid_log() -> None:
    example = NewSystemLog.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index, call-overload]

    log = NewSystemLog.model_validate(example)

    assert event_of("1", log, CONTENT, a_caller()).direction is CallDirection.OUTBOUND


@pytest.mark.parametrize(
    ("request_time", "response_time", "occurred_at"),
    [
        (100_000_000_000, None, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (99_999_999_999, None, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (1_772_366_400, None, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (100_000_000, None, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (0, 1_772_366_400, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (7, 1_772_366_400_000, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (1_772_366_400_250, 1_772_366_400_999, datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)),
        (None, 1_772_366_400_999, datetime(2026, 3, 1, 12, 0, 0, 999_000, UTC)),
        (LAST_MILLISECOND, None, datetime(9998, 12, 31, 23, 59, 59, 999_000, UTC)),
    ],
)
def test_a_call_occurred_when_it_was_requested(
    request_time: int | None, response_time: int | None, occurred_at: datetime
) -> None:
    log = NewSystemLog(request_time=request_time, response_time=response_time)

    assert event_of("1", log, CONTENT, a_caller()).occurred_at == occurred_at


@pytest.mark.parametrize("unset", [None, 0, 1, 99_999_999, -1, LAST_MILLISECOND + 1, 2**63 - 1])
def test_a_call_whose_time_is_not_known_occurred_now(unset: int | None) -> None:
    before = datetime.now(UTC)

    event = event_of("1", NewSystemLog(request_time=unset), CONTENT, a_caller())

    assert before <= event.occurred_at <= datetime.now(UTC)
    assert event.request_time == unset


def test_a_log_is_by_the_credential_that_sent_it() -> None:
    actor = event_of("1", NewSystemLog(), CONTENT, a_caller(key_id="k", name="n")).actor

    assert (actor.id, actor.name, actor.application_id) == ("k", "n", "k")


def test_what_was_said_in_a_call_is_masked() -> None:
    call = call_of(NewSystemLog(request_headers={"Cookie": ["a", "b"]}, response_headers={"Set-Cookie": []}))

    assert call.request_headers == {"Cookie": ["***", "***"]}
    assert call.response_headers == {"Set-Cookie": []}


def test_identifiers_sort_as_the_largest_positions_do() -> None:
    positions = [1, 9, 10, 2**62, 2**63 - 1]

    identifiers = [system_log("acme", position, a_system_log(), None)["identifier"] for position in positions]

    assert identifiers == sorted(identifiers)
    assert [position_of(identifier) for identifier in identifiers] == positions


@pytest.mark.parametrize("strange", ["", "1", "0" * 19, "9" * 19, "-000000000000000001", "٠" * 18 + "١", "x" * 255])
def test_what_is_no_identifier_of_ours_stands_for_no_position(strange: str) -> None:
    assert position_of(strange) is None


def test_a_log_that_came_without_a_content_has_no_pointer_to_one() -> None:
    log = system_log("acme", 1, a_system_log(), None)

    assert (log["s3_content_key"], log["s3_content_bucket"]) == (None, None)


def test_a_log_points_to_where_its_content_is() -> None:
    log = system_log("acme", 1, a_system_log(content=CONTENT), BodyPlace("calls", "acme/ab"))

    assert (log["s3_content_key"], log["s3_content_bucket"]) == ("acme/ab", "calls")


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [(None, None, None), ("404", 404, 404), ("5xx", 500, 599), ("2XX", 200, 299), ("0", 0, 0), ("-1", -1, -1)],
)
def test_a_response_code_is_one_or_a_class(code: str | None, first: int | None, last: int | None) -> None:
    wanted = SystemLogQuery(responseCode=code).wanted()

    assert (wanted.response_from, wanted.response_to) == (first, last)


def test_too_many_requests_are_told_like_every_error() -> None:
    answer = render(Problem(Kind.TOO_MANY, "Slow down"))

    body = json.loads(answer.body)
    assert answer.status_code == 429
    assert (body["status"], body["errors"]) == ("429", ["Slow down"])
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() is not None


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_problem_has_both_of_the_shapes(kind: Kind) -> None:
    order, token = render(Problem(kind, "x")), render_token_error(Problem(kind, "x", headers={"Retry-After": "1"}))

    assert json.loads(order.body)["status"] == str(order.status_code)
    assert json.loads(token.body).keys() == {"error", "error_description"}
    assert token.headers["retry-after"] == "1"


def test_each_fault_is_told_with_its_field() -> None:
    wrong = RequestValidationError(
        [{"type": "string_type", "loc": ("body", "request_headers", "a", 0), "msg": "is no string", "input": 1}]
    )

    body = json.loads(render(problem_of(wrong)).body)
    assert body["errors"] == ["request_headers.a.0 : is no string"]
    assert body["error_details"] == [
        {
            "source": "CARRIYO",
            "level": "ERROR",
            "code": "STRING_TYPE",
            "field": "request_headers.a.0",
            "message": "is no string",
        }
    ]


def test_what_is_about_no_field_has_the_simple_shape() -> None:
    assert json.loads(render(Problem(Kind.NOT_FOUND, "x")).body).keys() == {"status", "timestamp", "errors"}
