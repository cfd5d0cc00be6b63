"""Lines of the log: what they hold, for people and as JSON, and what is masked in them."""

import json
import logging
from collections.abc import Iterator

import pytest

from api.http.observation.access_log import NAME as ACCESS
from api.server.observation.log_secrets import without_secrets
from api.server.observation.logs import set_up_logging
from api.settings import read_settings
from application.runtime.request_context import RequestContext, current

_LOGGERS = (None, "psycopg", "api", "application", "infrastructure", ACCESS)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in _LOGGERS}
    handlers = root.handlers[:]
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_a_line_for_people_names_its_process_and_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(read_settings())

    token = current.set(RequestContext("r-1"))
    logging.getLogger("api.app").warning("%s was refused", "POST /x")
    current.reset(token)
    logging.getLogger("api.app").warning("The database is away")

    of_request, of_process = said(capsys).splitlines()
    assert of_request.partition(" ")[2].startswith("WARNING ordertrail[")
    assert of_request.endswith("] api.app [r-1]: POST /x was refused")
    assert of_process.endswith("] api.app: The database is away")


def test_a_line_of_json_holds_the_traceback_and_more_members(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(read_settings(log_format="json"))

    logging.getLogger("api.app").error("It\nfailed", exc_info=ValueError("why"), extra={"status": 500})

    [line] = said(capsys).splitlines()
    entry = json.loads(line)
    assert list(entry)[:6] == ["time", "level", "process", "pid", "logger", "message"]
    assert (entry["level"], entry["message"], entry["status"]) == ("error", "It\nfailed", 500)
    assert entry["exception"].endswith("ValueError: why")


@pytest.mark.parametrize("is_on", [False, True])
def test_the_access_log_is_written_only_if_it_is_asked_for(capsys: pytest.CaptureFixture[str], is_on: bool) -> None:
    set_up_logging(read_settings(access_log=is_on, log_level="error"))

    logging.getLogger(ACCESS).info("GET / 200")

    assert ("GET / 200" in said(capsys)) is is_on


@pytest.mark.parametrize(
    "line",
    [
        "POST /v1/ot_0123abc_hidden-9 failed",
        "sent Authorization: Bearer hidden.9-token",
        "sent Basic aGlkZGVuOmhpZGRlbg==hidden",
        "a token eyJhbGciOi.hidden.signature was sent",
        "cannot connect to postgresql://shop:hidden@db/shop",
        "connection to host=db password=hidden dbname=shop failed",
        '{"client_secret": "hidden", "a": 1}',
        r"{\"client_secret\": \"hidden\", \"a\": 1}",
        "ORDERTRAIL_INSTALLATION_KEY=hidden",
        "GET /orders/A-1/system-logs/3/content?token=hidden",
        "{'api_key': 'hidden'}",
    ],
)
def test_a_secret_is_masked_wherever_it_stands(line: str) -> None:
    masked = without_secrets(line)

    assert "hidden" not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    "line",
    [
        "Send a token in the header Authorization: Bearer <token>",
        "What follows Authorization: Basic is not base64 of key_id:secret",
        "The secret was replaced, and is not valid any more; use the new one",
        "Tenant acme cannot be sealed now: The key of order-A-1 is damaged",
        '{"message": "GET /trail/v1/orders/ot_1 200", "request_id": "9f31c0d2a4be7711"}',
        "The key of tokens is another one",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(line: str) -> None:
    assert without_secrets(line) == line
