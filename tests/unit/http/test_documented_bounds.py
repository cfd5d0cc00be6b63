"""docs/http-api.md says what the code bounds, in the same numbers."""

import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from api.http.reading.bodies import MAX_PARAMETERS, MAX_VALUES
from api.http.reading.faults import MAX_FAULTS
from api.http.requests import TokenRoute
from api.native.following.feed import FeedQuery
from api.native.integrations import ExceptionQuery, NewIntegration
from api.native.models import MAX_EVENTS, Cursor, NewOrder, OrderQuery
from api.server.connection_watch import BODY_SECONDS, HEAD_SECONDS, WHOLE_BODY_SECONDS
from api.server.protocol import MAX_HEAD
from api.settings import Settings
from application.ledger.port import PAGE_BYTES
from application.runtime.room import AT_ONCE, PATIENCE_SECONDS, ROOM_BYTES
from domain.values import MAX_JSON_DEPTH, Identifier, Name, Sentence
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "http-api.md").read_text()
LIMITS = PAGE.split("\n## Limits\n", 1)[1].split("\n## ", 1)[0]
ROWS = dict(line.strip("| ").split(" | ", 1) for line in LIMITS.splitlines() if line.startswith("| "))


def longest(annotation: Any) -> int:
    """Return how many characters a text of a type may have."""
    schema = TypeAdapter(annotation).json_schema()
    length: int = next(s["maxLength"] for s in [schema, *schema.get("anyOf", [])] if "maxLength" in s)
    return length


def of(model: Any, name: str) -> int:
    schema = model.model_json_schema()["properties"][name]
    length: int = next(s["maxLength"] for s in [schema, *schema.get("anyOf", [])] if "maxLength" in s)
    return length


BOUNDS = {
    "a request's line and headers": [f"{MAX_HEAD // 1024} KiB", f"{MAX_PARAMETERS:,} parameters"],
    "a body, and what it was before it was compressed": [
        f"{Settings.model_fields['max_body_bytes'].default // 2**20} MiB",
        f"{(TokenRoute.max_body_bytes or 0) // 1024} KiB",
    ],
    "values in a body's JSON": [f"{MAX_VALUES:,}:"],
    "events of one request": [f"{MAX_EVENTS:,}"],
    "ids of orders and events, references": [f"{longest(Identifier)} visible"],
    "names, statuses, reasons, search texts": [f"{longest(Name)} characters"],
    "descriptions, an integration's `shop_url`": [f"{longest(Sentence):,} characters"],
    "a cursor": [f"{longest(Cursor)} characters"],
    "nesting of an event's JSON": [f"{MAX_JSON_DEPTH} levels"],
    "faults that a refusal tells one by one": [f"{MAX_FAULTS:,};"],
    "what a worker holds of large requests and answers (over 256 KiB)": [
        f"{ROOM_BYTES // 2**20} MiB",
        f"{PATIENCE_SECONDS:.0f} s",
    ],
}


@pytest.mark.parametrize(("what", "said"), BOUNDS.items(), ids=BOUNDS)
def test_the_limits_are_those_of_the_code(what: str, said: list[str]) -> None:
    assert [part for part in said if part not in ROWS[what]] == []


def test_what_is_a_name_or_an_id_is_bounded_as_such() -> None:
    assert of(NewOrder, "reference") == of(NewOrder, "order_id") == of(NewOrder, "event_id") == longest(Identifier)
    assert of(NewOrder, "created_by") == of(OrderQuery, "text") == of(OrderQuery, "status") == longest(Name)
    assert of(NewIntegration, "shop_url") == longest(Sentence)


def test_every_row_of_the_limits_is_compared_or_has_another_test() -> None:
    elsewhere = {"what", "whole numbers", "times", "a page of a list"}

    assert ROWS.keys() - BOUNDS.keys() - elsewhere == set()
    assert f"{AT_ONCE // 1024} KiB" in LIMITS
    assert f"{PAGE_BYTES // 2**20} MiB" in ROWS["a page of a list"]


def test_how_long_is_waited_is_as_the_page_says() -> None:
    said = re.sub(r"\s+", " ", LIMITS)

    assert f"head of a request has to come within {HEAD_SECONDS:.0f} s" in said
    assert f"there may be nothing for {BODY_SECONDS:.0f} s" in said
    assert WHOLE_BODY_SECONDS == 120
    assert "within two minutes" in said


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (FeedQuery, "| `limit` | 1 to 1,000 a page, 100 if it is left out |"),
        (ExceptionQuery, "`limit` (1 to 100, 25 if it is left out)"),
    ],
)
def test_the_sizes_of_pages_are_as_the_page_says(model: Any, said: str) -> None:
    field = model.model_json_schema()["properties"]["limit"]
    numbers = [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\d|\d", said)]

    assert said in PAGE
    assert numbers == [field["minimum"], field["maximum"], field["default"]]
