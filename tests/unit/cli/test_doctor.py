"""What doctor makes of what it sees."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api.bootstrap import Checkup
from api.cli.doctor import judgements
from api.cli.doctor.findings import CHECKS, DoctorFinding, Status, all_is_well, completed, ok, wrong
from api.settings import Settings
from application.views.health import InstallationShape, ProjectionHealth, SealingHealth, StandbyHealth
from infrastructure.setup.node_checkup import NodeCheckup
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
WELL = Checkup(
    version="18.4",
    refusal_of_writes="",
    wrong_roles="",
    wrong_schema="",
    is_migrated=True,
    unsafe=[],
    synchronous_commit="on",
    size=5 * 2**20,
    folder=Path("/"),
)


class Usage(NamedTuple):
    free: int


def test_the_page_lists_the_checks_and_what_to_do() -> None:
    section = PAGE.split("\n## Doctor\n")[1].split("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(CHECKS)


def test_what_was_not_reached_is_unknown_and_not_well() -> None:
    found = completed([ok("settings", "fine")])

    assert [finding.check for finding in found] == list(CHECKS)
    assert [finding.status for finding in found] == [Status.OK] + [Status.UNKNOWN] * (len(CHECKS) - 1)
    assert not all_is_well(found)


def test_a_finding_is_one_line_that_controls_no_terminal() -> None:
    assert wrong("keys", "bad\x1b[2J\nkey", "Mend it").text() == "WRONG    keys        bad\\x1b[2J key. Mend it"


@pytest.mark.parametrize(
    ("variable", "meant"),
    [("ORDERTRAIL_WORKER", "ORDERTRAIL_WORKERS"), ("ORDERTRAIL_DATADIR", "ORDERTRAIL_DATA_DIR")],
)
def test_a_variable_that_is_nearly_a_setting_is_named(variable: str, meant: str) -> None:
    finding = judgements.of_settings(Settings(), [variable, meant])

    assert finding.status is Status.WRONG
    assert (variable in finding.says, meant in finding.advice) == (True, True)


@pytest.mark.parametrize("variable", ["ORDERTRAIL_TENANT", "ORDERTRAIL_TOKEN", "WORKERS", "ORDERTRAIL_DSN"])
def test_other_variables_are_left_alone(variable: str) -> None:
    assert judgements.of_settings(Settings(), [variable]).status is Status.OK


def test_no_finding_shows_the_dsn() -> None:
    finding = judgements.of_settings(Settings(dsn="postgresql://u:secret@h/d"), [])

    assert "secret" not in finding.text()


def seen(**other: Any) -> Checkup:
    return WELL._replace(**other)


def on_nodes(**other: Any) -> Checkup:
    nodes = NodeCheckup("a:5432", 5, "", ()), NodeCheckup("b:5432", 7, "", ())._replace(**other)
    return seen(shape=InstallationShape.DISTRIBUTED, nodes=nodes)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (judgements.of_database(seen(refusal_of_writes="it is a standby")), ["18.4", "standby"]),
        (judgements.of_roles(seen(wrong_roles="no role")), ["no role", "ordertrail migrate"]),
        (judgements.of_schema(seen(wrong_schema="old")), ["old", "ordertrail migrate"]),
        (judgements.of_durability(seen(unsafe=["fsync = off"]), is_allowed=False), ["fsync = off"]),
        (judgements.of_durability(seen(unsafe=["fsync = off"]), is_allowed=True), ["ALLOW_UNSAFE_SERVER"]),
        (judgements.of_nodes(seen(shape=InstallationShape.PARTLY_DISTRIBUTED)), ["ordertrail distribute"]),
        (judgements.of_nodes(on_nodes(loss="refused")), ["b:5432 with 7 tenants", "refused", "Start its server"]),
        (judgements.of_nodes(on_nodes(wrong=("fsync = off",))), ["b:5432: fsync = off"]),
        (judgements.of_keys([], is_given=True, unreachable=7), ["7 tenants", "nodes"]),
        (judgements.of_standby(StandbyHealth("it is no standby", 0.0, 0)), ["it is no standby", "ORDERTRAIL_READ_DSN"]),
        (judgements.of_clock(60.5, 60.0), ["60.5 s ahead", "NTP"]),
        (judgements.of_clock(-61.0, 60.0), ["61.0 s behind", "NTP"]),
        (judgements.of_keys(["order-1 of acme", "order-2 of acme"], is_given=True), ["order-1", "1 others", "backup"]),
        (judgements.of_sealing(SealingHealth(7, 2, 0.0)), ["2 tenants", "ordertrail verify"]),
        (judgements.of_sealing(SealingHealth(7, 0, 61.0)), ["7 events", "61.0 s", "ordertrail serve"]),
        (judgements.of_views([ProjectionHealth("timeline", 3, ["acme: eaten"], 0.0)]), ["eaten"]),
        (judgements.of_views([ProjectionHealth("timeline", 3, [], 61.0)]), ["3 events", "ordertrail serve"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_do(finding: DoctorFinding, words: Iterable[str]) -> None:
    assert finding.status is Status.WRONG
    assert finding.advice
    assert [word for word in words if word not in finding.text()] == []


@pytest.mark.parametrize(
    "finding",
    [
        judgements.of_database(WELL),
        judgements.of_roles(WELL),
        judgements.of_schema(WELL),
        judgements.of_durability(WELL, is_allowed=False),
        judgements.of_durability(seen(synchronous_commit="off"), is_allowed=False),
        judgements.of_nodes(WELL),
        judgements.of_nodes(on_nodes()),
        judgements.of_disk(seen(folder=None)),
        judgements.of_clock(59.0, 60.0),
        judgements.of_clock(-59.0, 60.0),
        judgements.of_keys([], is_given=False),
        judgements.of_sealing(SealingHealth(0, 0, 0.0)),
        judgements.of_sealing(SealingHealth(7, 0, 1.0)),
        judgements.of_views([ProjectionHealth("timeline", 3, [], 1.0)]),
        judgements.of_views([]),
        judgements.of_standby(None),
        judgements.of_standby(StandbyHealth(None, 0.0, 4_096)),
    ],
)
def test_what_is_well_needs_no_advice(finding: DoctorFinding) -> None:
    assert (finding.status, finding.advice) == (Status.OK, "")


def test_a_disk_that_is_nearly_full_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, status in ((2**30 - 1, Status.WRONG), (2**30, Status.OK)):
        monkeypatch.setattr(judgements, "disk_usage", lambda _, free=free: Usage(free))

        assert judgements.of_disk(WELL).status is status
