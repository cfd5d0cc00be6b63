"""The same consumer in curl, Python and JavaScript, as docs/consuming.md shows it: it is executed here."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.fix_server import Account
from tests.native import an_order, append, status
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "consuming.md").read_text()
EXAMPLES = dict(re.findall(r"```(bash|python|javascript)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = {
    "bash": ("example.sh", ["bash"]),
    "python": ("example.py", [sys.executable]),
    "javascript": ("example.mjs", ["node"]),
}


@contextmanager
def running(command: list[str], account: Account) -> Iterator[subprocess.Popen[str]]:
    """Run an example until it is no longer needed, a minute at most."""
    environment = {"URL": account.url, "TOKEN": account.token, "PYTHONPATH": str(ROOT / "clients" / "python")}
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    timer = threading.Timer(60, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("language", COMMANDS)
async def test_an_example_handles_every_event_and_says_so(
    language: str, account: Account, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    name, command = COMMANDS[language]
    assert shutil.which(command[0]), f"This test needs {command[0]}"
    (tmp_path / name).write_text(EXAMPLES[language])
    orders = [await an_order(http) for _ in range(3)]
    for n in range(4):
        for order_id in orders:
            await append(http, order_id, status(str(n)))
    (await http.put("/trail/v1/consumers/billing", json={"from": "start"})).raise_for_status()
    expected = {(e["position"], e["subject"], e["type"]) for e in (await http.get("/trail/v1/feed")).json()["items"]}

    with running([*command, str(tmp_path / name)], account) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline().split() for _ in expected]
        while (await http.get("/trail/v1/consumers/billing")).json()["lag_events"]:
            pass  # until it has said that the last of them is done

    seen = [(int(line[0]), line[1], line[2]) for line in lines]
    assert set(seen) == expected
    assert len(seen) == len(expected)
    for order_id in orders:
        of_order = [position for position, subject, _ in seen if subject == f"order-{order_id}"]
        assert of_order == sorted(of_order)


def test_the_examples_are_short() -> None:
    assert {name: len(code.strip().splitlines()) <= 15 for name, code in EXAMPLES.items()} == dict.fromkeys(
        COMMANDS, True
    )
