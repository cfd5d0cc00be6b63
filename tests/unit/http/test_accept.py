"""The form of an answer: the one that its client prefers, and the first if it takes none."""

import pytest
from starlette.requests import Request

from api.http.accept import BATCH, EVENT_STREAM, JSON, NDJSON, wanted_form

OFFERED = (JSON, BATCH, EVENT_STREAM, NDJSON)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/html", JSON),
        ("text/event-stream", EVENT_STREAM),
        ("Text/Event-Stream; charset=utf-8", EVENT_STREAM),
        ("text/event-stream, */*", EVENT_STREAM),
        ("application/json, text/plain, */*", JSON),
        ("text/event-stream, */*;q=0.1", EVENT_STREAM),
        ("application/json;q=0.5, application/x-ndjson", NDJSON),
        ("application/json, text/event-stream;q=0.9", JSON),
        ("text/*", EVENT_STREAM),
        ("text/event-stream;q=0", JSON),
        ("text/event-stream;q=much", JSON),
        ("application/cloudevents-batch+json", BATCH),
    ],
)
def test_the_form_is_the_one_that_its_client_prefers(accept: str | None, form: str) -> None:
    headers = [] if accept is None else [(b"accept", accept.encode())]

    assert wanted_form(Request({"type": "http", "headers": headers}), OFFERED) == form


def test_lines_of_the_header_are_one_list() -> None:
    headers = [(b"accept", b"application/json;q=0.5"), (b"accept", NDJSON.encode())]

    assert wanted_form(Request({"type": "http", "headers": headers}), OFFERED) == NDJSON
