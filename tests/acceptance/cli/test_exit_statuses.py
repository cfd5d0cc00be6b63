"""Every command ends with the status that docs/operations.md says."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from tests.fix_server import ORDERTRAIL, Server, running
from tests.paths import ROOT
from tests.unit.cli.test_command_docs import COMMANDS

PAGE = (ROOT / "docs" / "operations.md").read_text()
SECTION = PAGE.split("\n## Exit statuses\n")[1].split("\n## ")[0]

# One way in which each command cannot do what it is asked to.
FAILING: dict[str, Sequence[str]] = {
    "serve": ["--host", "192.0.2.1"],
    "demo": ["--host", "192.0.2.1"],
    "migrate": ["--dsn", "postgresql://127.0.0.1:1/none"],
    "tenant create": ["no/slashes"],
    "tenant list": ["--dsn", "postgresql://127.0.0.1:1/none"],
    "tenant show": ["nobody"],
    "tenant retain": ["nobody"],
    "tenant delete": ["nobody", "--yes"],
    "key create": ["--tenant", "nobody"],
    "key list": ["--tenant", "nobody"],
    "key revoke": ["nobody"],
    "key rotate": ["nobody"],
    "key rotate-signing": ["--dsn", "postgresql://127.0.0.1:1/none"],
    "key retire-signing": ["--dsn", "postgresql://127.0.0.1:1/none"],
    "replay": ["--tenant", "nobody"],
    "rebuild": ["--tenant", "nobody"],
    "repair tiles": ["--tenant", "nobody"],
    "export": ["{tmp}/file", "--tenant", "nobody"],
    "forget": ["--tenant", "nobody", "--order", "1", "--yes"],
    "link": ["--tenant", "nobody"],
    "distribute": ["--dsn", "postgresql://127.0.0.1:1/none"],
    "consume": ["nobody", "--exec", "true", "--token", "ot_no_token", "--url", "{url}"],
    "doctor": [],
    "backup": ["{tmp}/backups", "--dsn", "postgresql://127.0.0.1:1/none"],
    "restore": ["{tmp}", "--dsn", "postgresql://127.0.0.1:1/none"],
    "healthcheck": ["--url", "http://127.0.0.1:1"],
}
NOT_CHECKED: dict[str, Sequence[str]] = {
    "verify": ["--tenant", "nobody"],
    "import": [__file__],
    "load": ["--format", "ndjson", "--url", "http://127.0.0.1:1", "--token", "ot_no_token", __file__],
}
"""Their status 1 is damage, or lines that are refused. What they cannot check, or load, ends with 2."""


@pytest.fixture(autouse=True)
def signals_are_kept() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def status_of(name: str, arguments: Sequence[str]) -> int:
    return CliRunner().invoke(app, [*name.split(), *arguments]).exit_code


def test_every_command_is_in_the_table_or_follows_the_rule() -> None:
    rows = [row.split(" | ")[0].strip("| ") for row in SECTION.splitlines() if row.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([\w -]+)`", row)}

    assert named - {name.removeprefix("ordertrail ") for name in COMMANDS} == set()
    assert {f"ordertrail {name}" for name in [*FAILING, *NOT_CHECKED]} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_there_is_not_ends_any_command_with_2(name: str) -> None:
    assert status_of(name.removeprefix("ordertrail "), ["--no-such-option"]) == 2


@pytest.mark.parametrize("name", FAILING)
def test_what_cannot_be_done_ends_with_1(
    server: Server, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERTRAIL_DSN", server.dsn)
    arguments = [a.format(tmp=tmp_path, url=server.url) for a in FAILING[name]]

    assert status_of(name, arguments) == 1


def test_what_cannot_be_checked_is_not_damage(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERTRAIL_DSN", server.dsn)

    assert {status_of(name, arguments) for name, arguments in NOT_CHECKED.items()} == {2}


@pytest.mark.parametrize("name", sorted(FAILING.keys() - {"doctor", "consume"}))
def test_a_setting_that_is_not_valid_ends_with_2(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERTRAIL_WORKERS", "none")

    arguments = [a.format(tmp="/tmp") for a in FAILING[name]]

    assert status_of(name, arguments) == 2


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_command_with_128_more(number: int, status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [ORDERTRAIL, "tenant", "list", "--dsn", f"postgresql://127.0.0.1:{silent.getsockname()[1]}/none"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as waiting:
            connection, _ = silent.accept()

            waiting.send_signal(number)

            assert waiting.wait(30) == status
            connection.close()


def test_a_server_that_is_told_to_end_ends_with_0(dsn: str) -> None:
    with running(dsn) as server:
        pass

    assert server.process.returncode == 0
