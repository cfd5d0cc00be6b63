"""CSV files to load: what a row does not clearly say is not guessed, and a line is found again in the file."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.cli.consuming import CannotConsume, Consumption, consume
from api.cli.credentials import bearer
from api.cli.files.load_lines import LoadFile
from api.cli.maintenance import InvalidArgument

RULES = ("order_id=Order", "data.status=State")


def loaded(folder: Path, content: bytes, *rules: str) -> tuple[LoadFile, list[dict[str, Any]]]:
    file = folder / "states.csv"
    file.write_bytes(content)
    source = LoadFile(file, None, rules or RULES, lambda *_: None)
    return source, [json.loads(line) for line in b"".join(source.pieces()).splitlines()]


def test_a_line_of_a_load_is_found_in_its_file(tmp_path: Path) -> None:
    content = b'Order,State\n\nA,open\nB,"two\nlines"\n\n\nC,closed\nD,gone\n'

    source, events = loaded(tmp_path, content)

    assert [event["order_id"] for event in events] == ["A", "B", "C", "D"]
    assert events[1]["data"]["status"] == "two\nlines"
    assert [source.line_of(line) for line in (1, 2, 3, 4)] == [3, 4, 8, 9]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"Order,State\nA,open\nB\n", "states.csv:3: it has 1 cells, and the first line names 2"),
        (b"Order,State\nA,open,more\n", "states.csv:2: it has 3 cells"),
        (b'Order,State\nA,"open\n', "no CSV"),
        (b'Order,State\nA,"op"en\n', "no CSV"),
        (b"Order,State,Order\nA,open,B\n", "the column Order twice"),
        (b"Order\nA\n", "no column State; it has Order"),
        (b"", "no column Order, State"),
        (b"Order,State\nA,caf\xe9\n", "no CSV in UTF-8"),
    ],
)
def test_a_file_that_is_not_clear_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        loaded(tmp_path, content)


def test_a_column_that_is_not_mapped_may_be_there_twice(tmp_path: Path) -> None:
    _, events = loaded(tmp_path, b"\xef\xbb\xbfOrder,State,x,x\r\nA,open,1,2\r\n")

    assert events == [{"order_id": "A", "data": {"status": "open"}}]


@pytest.mark.parametrize("rules", [("type=A", "type=B"), ("data=A", "data.status=B"), ("a.b==x", "a.b.c=A", "a=B")])
def test_a_member_is_said_once(tmp_path: Path, rules: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument, match="says twice what"):
        loaded(tmp_path, b"A,B\n", *rules)


@pytest.mark.parametrize("token", ["", " ", "ot_a b", "ot_a\nb", "ot_\u00e9"])
def test_a_token_that_is_none_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        bearer(token)

    assert not token.strip() or token not in str(refused.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://h.example", "http://", "http://h.example:x"])
async def test_an_address_that_is_none_is_not_asked_again_and_again(url: str) -> None:
    with pytest.raises(CannotConsume, match="is no address"):
        await consume(Consumption(url, "ot_a_b", "files", ["true"], 0, is_endless=True))
