"""Answers are JSON, whatever was stored."""

import json
from typing import Any

import pytest

from api.http.reading.json_text import to_json
from api.http.requests import Json
from api.native.render import cloud_event
from tests.builders import ACME, a_ledger, an_event

NO_JSON = [b'{"n": 1e400}', b"NaN", b'{"n": -1e999}', b'{"a": 1, "a": 2}']


def strictly(text: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_does_not_have_is_a_null(number: float) -> None:
    assert strictly(to_json({"n": [number]})) == {"n": [None]}
    assert strictly(bytes(Json({"n": number}).body)) == {"n": None}


@pytest.mark.parametrize("data", NO_JSON)
def test_data_of_others_that_readers_read_differently_is_shown_byte_by_byte(data: bytes) -> None:
    [event] = a_ledger(an_event())

    item = cloud_event(ACME, event._replace(type="their.event", data=data))

    assert "data_base64" in item
    assert "data" not in item


@pytest.mark.parametrize("data", NO_JSON)
def test_data_of_ours_that_was_changed_is_still_shown_as_json(data: bytes) -> None:
    [event] = a_ledger(an_event())

    strictly(to_json(cloud_event(ACME, event._replace(data=data))))
