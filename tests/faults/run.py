"""Runs kinds of faults one after the other, while clients write, and checks after each what was kept."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.faults.check import Ledger
from tests.faults.clients import Clients
from tests.faults.journal import Acknowledged, Journal, Tenant, now, open_journal
from tests.faults.kinds import Kind
from tests.faults.linearizability import is_linearizable
from tests.faults.system import System, running_system
from tests.fix_embedded import wait_until
from tests.fix_server import ORDERTRAIL
from tests.outage import new_tenant

TENANTS = 2


class Result(NamedTuple):
    """What came of one kind of fault."""

    kind: str
    acknowledged: int
    """How many events were acknowledged, from its beginning until all served again."""
    refused: int
    unknown: int
    lost: int
    doubled: int
    writes_again: float
    """Seconds from its end until a write is acknowledged."""
    reads_again: float
    """Seconds from its end until a read shows everything."""
    history: int
    """How many operations with an expected version were made, of which the history is linearizable."""


class Run:
    """A run of faults on one system."""

    def __init__(self, system: System, tenants: Sequence[Tenant], journal: Journal, clients: Clients) -> None:
        self._system, self._journal, self._clients = system, journal, clients
        self._ledgers = {tenant.name: Ledger(tenant) for tenant in tenants}
        self._checked = 0
        self._races = 0
        self.faults: list[str] = []
        """Everything that must not be."""

    @property
    def acknowledged(self) -> int:
        """How many events were acknowledged so far."""
        return self._journal.events

    def warm_up(self) -> None:
        """Wait until every client was acknowledged something."""
        wait_until(
            lambda: len({each.request.client for each in list(self._journal.acknowledged)}) == self._clients.count
        )

    def inflict(self, kind: Kind) -> Result:
        """Inflict a fault, wait until all serves again, and check."""
        stream = self._begin_race()
        journal = self._journal
        refused, unknown = journal.refused, journal.unknown
        with kind.fault(self._system):
            time.sleep(kind.seconds)
        over = now()
        wait_until(lambda: journal.first_sent_after(over) is not None)
        first = journal.first_sent_after(over)
        assert first is not None
        for ledger in self._ledgers.values():
            self._system.wait_until_it_serves(ledger.tenant)
        fresh = now()
        self._clients.stream = ""
        history = self._clients.history_of(stream)
        if not is_linearizable(history, version=1):
            self.faults.append(f"{kind.name}: the history of {stream} could not have happened: {history}")
        acknowledged, lost, doubled = self._check()
        return Result(
            kind.name,
            sum(each.events for each in acknowledged),
            journal.refused - refused,
            journal.unknown - unknown,
            lost,
            doubled,
            first.answered - over,
            fresh - over,
            len(history),
        )

    def write(self, events: int) -> None:
        """Let the clients write so many events without a fault."""
        until = self._journal.events + events
        while self._journal.events < until:
            time.sleep(0.5)

    def _begin_race(self) -> str:
        """Create the order for which clients race while the fault lasts."""
        self._races += 1
        stream = f"race-{self._races}"
        tenant = self._clients.tenants[0]
        with httpx.Client(base_url=self._system.url, headers=tenant.headers, timeout=30) as http:
            wait_until(lambda: http.post("/trail/v1/orders", json={"order_id": stream}).status_code in {201, 409})
        self._clients.stream = stream
        return stream

    def _check(self) -> tuple[list[Acknowledged], int, int]:
        """Check what was acknowledged since the last check; return it, and how much of it is lost and doubled."""
        new = self._journal.acknowledged[self._checked :]
        self._checked += len(new)
        for ledger in self._ledgers.values():
            ledger.read_on(self._system.postgres.dsn)
        lost = sum(self._ledgers[each.tenant].lost(each) for each in new)
        doubled = sum(self._ledgers[each.tenant].doubled(each) for each in new)
        if lost or doubled:
            self.faults.append(f"{lost} events are lost, and {doubled} doubled")
        return new, lost, doubled

    def end(self) -> None:
        """Check everything once more, with the clients gone."""
        dsn = self._system.postgres.dsn
        for name, ledger in self._ledgers.items():
            self._system.wait_until_it_serves(ledger.tenant)
            ledger.read_on(dsn)
            mine = [each for each in self._journal.acknowledged if each.tenant == name]
            if missing := sum(ledger.lost(each) + ledger.doubled(each) for each in mine):
                self.faults.append(f"{missing} events of {name} are lost or doubled at the end")
            ledger.check_order(mine)
            ledger.check_again(dsn)
            self.faults += ledger.faults
        for what in ((), ("--views",)):
            checked = subprocess.run(
                [ORDERTRAIL, "verify", *what, "--dsn", dsn], capture_output=True, text=True, check=False
            )
            if checked.returncode:
                self.faults.append(f"verify {what}: {checked.stdout[-2_000:]} {checked.stderr[-2_000:]}")
        self.faults += self._journal.unexpected


@contextmanager
def running(folder: Path, data_dir: Path, *, workers: int, writers: int, racers: int, batch: int) -> Iterator[Run]:
    """Run a system with clients, whose journal is in a folder. On leaving, everything is checked once more."""
    journal = open_journal(folder / "journal")
    with running_system(data_dir, workers=workers) as system, journal.file:
        tenants = [Tenant(*new_tenant(system.postgres.dsn)) for _ in range(TENANTS)]
        with Clients(system.url, tenants, journal, writers=writers, racers=racers, batch=batch) as clients:
            run = Run(system, tenants, journal, clients)
            run.warm_up()
            yield run
        run.end()
