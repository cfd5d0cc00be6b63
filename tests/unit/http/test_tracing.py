"""A request's traceparent is taken over if it is one, as W3C's Trace Context has it."""

import pytest

from api.http.reading.headers import headers_of
from api.http.tracing import traceparent_of
from domain.values import Origin

VALID = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def of(*values: str) -> str | None:
    lines = [(b"host", b"x"), *((b"traceparent", value.encode()) for value in values)]
    return traceparent_of(headers_of({"headers": lines}))


def test_a_traceparent_is_taken_over() -> None:
    assert of(VALID) == VALID
    assert of(f" {VALID} ") == VALID
    assert Origin(method="POST", path="/", traceparent=VALID).traceparent == VALID


def test_of_a_later_version_only_what_is_known_is_taken_over() -> None:
    assert of(f"01{VALID[2:]}-more") == f"01{VALID[2:]}"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        VALID.upper(),
        f"ff{VALID[2:]}",
        f"{VALID}-more",
        f"{VALID}0",
        VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        VALID.replace("00f067aa0ba902b7", "0" * 16),
    ],
)
def test_what_is_no_traceparent_is_ignored(value: str) -> None:
    assert of(value) is None


def test_a_request_without_one_has_none() -> None:
    assert of() is None
