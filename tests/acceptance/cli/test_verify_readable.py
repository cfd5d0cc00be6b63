"""`ordertrail verify` tells damaged keys, damaged events and damaged rows of views apart, and names each."""

import subprocess
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from api.bootstrap import open_projector, open_sealer, open_services
from api.cli import readability
from api.cli.readability import unreadable_lines
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.views.search import joined
from domain.events.lifecycle import CommentAdded
from domain.values import TenantName
from tests.builders import a_created_event, an_actor, an_event
from tests.damage import EVENTS, TIMES, change_event, damage_key, execute, restore_key, token_change
from tests.fix_server import ORDERTRAIL
from tests.projecting import VIEWS

ACME = "acme"
CHANGED = "it was changed after it was recorded"


class Ledgers:
    """Two tenants' ledgers in a database that no server uses: nothing is sealed or projected unless it is asked for."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    async def tell(self) -> None:
        async with open_services(self.dsn, as_owner=True) as services:
            for tenant in (ACME, "globex"):
                await services.credentials.create_tenant(tenant, is_implicit=True, dintero_account=None)
                for order_id in ("A-1", "B-2"):
                    events = (
                        a_created_event(order_id=order_id, event_id=f"created-{order_id}", actor=an_actor()),
                        an_event(CommentAdded, order_id=order_id, text="Ring twice", event_id=f"said-{order_id}"),
                        an_event(order_id=order_id, event_id=f"open-{order_id}", actor=an_actor()),
                    )
                    write = Write(f"order-{order_id}", ANY, tuple(map(encode, events)))
                    await services.store.append(Append(TenantName(tenant), (write,)))

    async def seal(self) -> None:
        async with open_sealer(self.dsn) as sealer:
            await sealer.seal_all()

    async def project(self) -> None:
        async with open_projector(self.dsn) as projector:
            for tenant in await projector.behind():
                await projector.catch_up(tenant)

    def run(self, *arguments: str) -> tuple[int, list[str]]:
        """Run a command; return its status, and what it said."""
        command = [ORDERTRAIL, *arguments, "--dsn", self.dsn]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return result.returncode, result.stdout.splitlines()

    def verify(self, *arguments: str) -> tuple[int, list[str]]:
        return self.run("verify", *arguments)


@pytest.fixture
async def ledgers(dsn: str) -> Ledgers:
    ledgers = Ledgers(dsn)
    await ledgers.tell()
    return ledgers


def about(tenant: str, lines: Sequence[str]) -> list[str]:
    """Return what is said of a tenant."""
    return [line.removeprefix(f"{tenant}: ") for line in lines if line.startswith(f"{tenant}: ")]


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "not sealed"])
async def test_a_damaged_key_is_named_with_all_that_it_makes_unreadable(ledgers: Ledgers, is_sealed: bool) -> None:
    if is_sealed:
        await ledgers.seal()
    wrapped = await damage_key(ledgers.dsn, ACME, "order-A-1", "changed")

    status, lines = ledgers.verify()

    assert status == 1
    why = "the key of order-A-1 is damaged"
    assert about(ACME, lines)[1:] == [
        "DAMAGED key of order-A-1: restore its row in ordertrail.subject_keys from a backup",
        f"UNREADABLE at position 1: order.created created-A-1 of order-A-1: customer.id, customer.name: {why}",
        f"UNREADABLE at position 2: order.comment_added said-A-1 of order-A-1: text: {why}",
    ]
    assert about(ACME, lines)[0].startswith("6 events are whole and in order; ")
    assert len(about("globex", lines)) == 1
    await restore_key(ledgers.dsn, ACME, "order-A-1", wrapped)
    assert ledgers.verify()[0] == 0


async def test_a_damaged_token_in_a_sealed_event_is_named_beside_the_event_that_is_not_the_one_that_was_sealed(
    ledgers: Ledgers,
) -> None:
    await ledgers.seal()
    await change_event(ledgers.dsn, ACME, 2, token_change("changed in its text"))
    await change_event(ledgers.dsn, ACME, 6, token_change("cut off", "metadata"))

    status, lines = ledgers.verify("--tenant", ACME)

    assert status == 1
    assert about(ACME, lines) == [
        "DAMAGED at position 2: the event differs from the one that was sealed here",
        f"UNREADABLE at position 2: order.comment_added said-A-1 of order-A-1: text: {CHANGED}",
        f"UNREADABLE at position 6: order.status_updated open-B-2 of order-B-2: actor.name: {CHANGED}",
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (token_change("cut off"), f"text: {CHANGED}"),
        (EVENTS["data that is a list"], "its data is not a JSON object"),
        (EVENTS["metadata that are a list"], "its metadata is not that of an event"),
        (TIMES["occurred_at infinity"], "occurred_at: no event can have such a time"),
    ],
)
@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "not sealed"])
async def test_what_was_changed_before_it_was_sealed_is_named_whether_it_was_sealed_or_not(
    ledgers: Ledgers, change: str, why: str, is_sealed: bool
) -> None:
    await change_event(ledgers.dsn, ACME, 2, change)
    if is_sealed:
        await ledgers.seal()

    status, lines = ledgers.verify("--tenant", ACME)

    found = f"UNREADABLE at position 2: order.comment_added said-A-1 of order-A-1: {why}"
    assert (status, about(ACME, lines)[-1]) == (1, found)


async def test_of_a_large_ledger_that_is_sealed_the_newest_events_are_opened_and_all_if_it_is_asked_for(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readability, "NEWEST", 3)
    for position in (2, 5):
        await change_event(ledgers.dsn, ACME, position, token_change("cut off"))
    await ledgers.seal()

    async with open_services(ledgers.dsn) as services:
        verified = await services.verification.verify(TenantName(ACME), lambda *_: None)
        newest, everything = [
            [line async for line in unreadable_lines(services, TenantName(ACME), verified, lambda *_: None, **opens)]
            for opens in ({}, {"opens_all": True})
        ]

    assert [line.split(":")[0] for line in newest] == ["UNREADABLE at position 5"]
    assert [line.split(":")[0] for line in everything] == ["UNREADABLE at position 2", "UNREADABLE at position 5"]


async def test_many_findings_are_counted_and_not_all_named(ledgers: Ledgers) -> None:
    async with open_services(ledgers.dsn) as services:
        for n in range(150):
            write = Write(f"order-C-{n}", ANY, (encode(a_created_event(order_id=f"C-{n}")),))
            await services.store.append(Append(TenantName(ACME), (write,)))
    changed = "UPDATE ordertrail.subject_keys SET wrapped = '' WHERE tenant = %(tenant)s AND subject LIKE 'order-C-%%'"
    assert await execute(ledgers.dsn, changed, tenant=ACME) == 150

    status, lines = ledgers.verify("--tenant", ACME)

    assert status == 1
    kinds = [line.split()[0] for line in about(ACME, lines)]
    assert kinds == ["156", *["DAMAGED"] * 100, "…", *["UNREADABLE"] * 100, "…"]
    assert about(ACME, lines)[101] == about(ACME, lines)[202] == "… and 50 more"


async def test_views_are_verified_and_rebuilt_though_a_key_is_damaged(ledgers: Ledgers) -> None:
    await ledgers.project()
    assert ledgers.verify("--views")[0] == 0
    wrapped = await damage_key(ledgers.dsn, ACME, "order-A-1", "changed")

    status, lines = ledgers.verify("--views")

    # Whom an order is found by is all that a view has in plain text, so it is all that differs.
    assert status == 1
    row, view = [line for line in about(ACME, lines) if "differ" in line]
    event, _, why = row.partition(", which cannot be read: ")
    assert event == "order_state: order A-1 differs in search: order.created created-A-1 at position 1"
    assert why == "customer.id, customer.name: the key of order-A-1 is damaged"
    assert view == "order_state is not what events 1 to 6 make of it: 1 row differs"
    assert len(about("globex", lines)) == 7
    assert ledgers.run("rebuild")[0] == 0
    assert ledgers.verify("--views")[0] == 0
    await restore_key(ledgers.dsn, ACME, "order-A-1", wrapped)
    assert ledgers.verify("--views")[0] == 1
    assert ledgers.run("rebuild", "order_state")[0] == 0
    assert ledgers.verify("--views")[0] == 0


async def test_a_damaged_token_stops_no_view(ledgers: Ledgers) -> None:
    await change_event(ledgers.dsn, ACME, 1, token_change("changed in its text"))

    await ledgers.project()

    with psycopg.connect(ledgers.dsn) as connection:
        assert connection.execute("SELECT min(position), count(error) FROM ordertrail.checkpoints").fetchone() == (6, 0)
        query = "SELECT search FROM ordertrail.order_state WHERE tenant = 'acme' ORDER BY order_id"
        assert [row[0] for row in connection.execute(query)] == [
            joined(["a-1", "grace"]),
            joined(["b-2", "c1", "grace"]),
        ]
    assert ledgers.verify("--views")[0] == 0
    assert ledgers.run("rebuild")[0] == 0


@pytest.mark.parametrize(
    ("change", "stopped", "why"),
    [
        (
            EVENTS["data that is a list"],
            {"action_log", "order_state"},
            "UnreadableEvent: Event 5 (order.comment_added)",
        ),
        (
            EVENTS["metadata that are a list"],
            {"action_log", "order_state", "timeline"},
            "Event 5 (order.comment_added)",
        ),
        (TIMES["recorded_at infinity"], {"action_log", "order_state", "timeline"}, "recorded_at: no event can have"),
    ],
)
async def test_what_is_no_event_stops_the_views_that_need_it_just_before_it(
    ledgers: Ledgers, change: str, stopped: set[str], why: str
) -> None:
    await change_event(ledgers.dsn, ACME, 5, change)

    await ledgers.project()

    with psycopg.connect(ledgers.dsn) as connection:
        query = "SELECT projection, position, error FROM ordertrail.checkpoints WHERE tenant = 'acme' ORDER BY 1"
        found = connection.execute(query).fetchall()
        [(actions,)] = connection.execute("SELECT count(*) FROM ordertrail.action_log WHERE tenant = 'acme'").fetchall()
    assert {name for name, position, error in found if position == 4 and why in (error or "")} == stopped
    assert {name for name, position, error in found if position == 6 and error is None} == set(VIEWS) - stopped
    assert actions == 4


async def test_a_ledger_is_exported_though_its_keys_are_damaged(ledgers: Ledgers, tmp_path: Path) -> None:
    await damage_key(ledgers.dsn, ACME, "order-A-1", "changed")
    file = str(tmp_path / "acme.ndjson")

    status, [said] = ledgers.run("export", file, "--tenant", ACME)

    # It is checked as a stranger would check it before it gets its name.
    assert (status, said.startswith(f"{file}: events 1 to 6 of acme are whole and in order")) == (0, True)


async def test_an_event_that_is_none_stops_the_views_of_its_tenant_and_is_named(ledgers: Ledgers) -> None:
    await ledgers.project()
    await change_event(ledgers.dsn, ACME, 3, EVENTS["data that is a list"])

    status, lines = ledgers.verify("--views")

    [said] = about(ACME, lines)
    assert status == 1
    assert said.startswith(
        "View action_log of acme stopped after position 2: UnreadableEvent: Event 3 (order.status_updated)"
    )
    assert [line.split()[0] for line in about("globex", lines)] == VIEWS


async def test_only_what_is_in_a_ledger_with_its_keys_is_opened(ledgers: Ledgers) -> None:
    assert ledgers.verify("--open", "--views") == (2, [])


async def test_the_key_of_a_whole_installation_is_refused_at_the_start(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERTRAIL_INSTALLATION_KEY", b64encode(b"x" * 32).decode())

    assert ledgers.verify() == (2, [])
