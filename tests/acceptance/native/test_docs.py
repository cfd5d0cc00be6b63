"""docs/http-api.md: its examples are sent one after the other, and answered as the page says."""

import json
import re
from typing import Any, NamedTuple

import httpx

from api.http.problems import Kind
from tests.fix_server import Account
from tests.paths import ROOT

PAGE = ROOT.joinpath("docs", "http-api.md").read_text()
MADE_UP = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"  # event ids
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"  # times
    r"|\b[0-9a-f]{24}\b"  # key ids
)


class Message(NamedTuple):
    first_line: str
    headers: dict[str, str]
    body: str


def messages() -> list[Message]:
    """Return the requests and the answers of the page, in turn."""
    found = []
    for block in re.findall(r"^```http\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        head, _, body = block.partition("\n\n")
        first_line, *headers = head.strip().split("\n")
        found.append(Message(first_line, dict(header.split(": ", 1) for header in headers), body))
    return found


def without_made_up(body: str) -> Any:
    return json.loads(MADE_UP.sub("…", body))


async def test_the_examples_are_answered_as_the_page_says(http: httpx.AsyncClient, account: Account) -> None:
    http.headers["Authorization"] = f"Bearer {(await account.key('admin', name='Shop'))['token']}"
    told = messages()
    assert len(told) >= 20

    for request, answer in zip(told[::2], told[1::2], strict=True):
        method, path = request.first_line.split(" ")
        headers = {**request.headers, **({"Content-Type": "application/json"} if request.body else {})}
        response = await http.request(method, path, content=request.body or None, headers=headers)

        assert f"HTTP/1.1 {response.status_code} {response.reason_phrase}" == answer.first_line, request
        assert {name: response.headers.get(name) for name in answer.headers} == answer.headers
        assert without_made_up(response.text.replace(account.tenant, "acme")) == without_made_up(answer.body)


def test_every_kind_of_problem_is_in_the_table() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", PAGE, re.MULTILINE)

    kinds = [(str(kind.status), kind.name.lower().replace("_", "-")) for kind in Kind]
    assert sorted(rows) == sorted(kinds)
