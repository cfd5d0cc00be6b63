"""A soak of consumers: members and workers that are killed and frozen at random, and a checker of all they did."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
from rich.table import Table

from api.cli.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import ORDERTRAIL, SETTINGS
from benchmarks.table import CONSOLE

CONSUMER, MEMBERS, ORDERS, LEASE_SECONDS = "soak", 3, 300, 5


class Line(NamedTuple):
    """What a member has handled."""

    partition: int
    token: int
    position: int
    subject: str
    id: str


class Soak:
    """One run."""

    def __init__(self, url: str, token: str, server: int, folder: Path) -> None:
        self._url = url
        self._token = token
        self._server = server
        self._log = folder / "handled"
        self._chance = random.Random(1)
        self._members: list[subprocess.Popen[bytes]] = []
        self._is_over = threading.Event()
        self.counts: Counter[str] = Counter()
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def run(self, seconds: float) -> None:
        settings = {"from": "start", "max_failures": 3, "lease_seconds": LEASE_SECONDS}
        self.http.put(f"/trail/v1/consumers/{CONSUMER}", json=settings).raise_for_status()
        self._members = [self._start() for _ in range(MEMBERS)]
        writer = threading.Thread(target=self._write)
        writer.start()
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                self._disturb()
            self._is_over.set()
            writer.join()
            self._drain()
        finally:
            self._is_over.set()
            for member in self._members:
                with suppress(ProcessLookupError):
                    member.send_signal(signal.SIGCONT)
                member.kill()
                member.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        arguments = [self._url, self._token, CONSUMER, str(self._log)]
        return subprocess.Popen([sys.executable, "-m", "benchmarks.soak_member", *arguments])

    def _write(self) -> None:
        chance = random.Random(2)
        with httpx.Client(base_url=self._url, headers=self.http.headers, timeout=30) as client:
            while not self._is_over.is_set():
                order = f"O-{chance.randrange(ORDERS)}"
                event = {"type": "order.comment_added", "data": {"text": "soak"}}
                with suppress(httpx.TransportError):
                    client.post(f"/trail/v1/orders/{order}/events", json=event)
                time.sleep(0.002)

    def _disturb(self) -> None:
        """Do harm to a member or to a worker, and wait a while."""
        place = self._chance.randrange(MEMBERS)
        member = self._members[place]
        match self._chance.random():
            case chance if chance < 0.5:
                member.kill()
                member.wait()
                self._members[place] = self._start()
                self.counts["members killed"] += 1
                time.sleep(self._chance.uniform(0.5, 3))
            case chance if chance < 0.8:
                member.send_signal(signal.SIGSTOP)
                time.sleep(self._chance.uniform(LEASE_SECONDS * 0.8, LEASE_SECONDS * 1.8))
                member.send_signal(signal.SIGCONT)
                self.counts["members frozen"] += 1
            case _:
                children = psutil.Process(self._server).children()
                workers = [child for child in children if child.name() == "trail-http"]
                if workers:
                    os.kill(self._chance.choice(workers).pid, signal.SIGKILL)
                    self.counts["workers killed"] += 1
                time.sleep(self._chance.uniform(0.5, 2))

    def _drain(self) -> None:
        """Wait until everything is handled but what is parked."""
        until = time.monotonic() + 180
        while time.monotonic() < until:
            with suppress(httpx.TransportError):
                state = self.consumer()
                if state["lag_events"] == 0 and state["waiting"] == 0:
                    return
            time.sleep(0.5)
        raise RuntimeError(f"It does not come to an end: {self.consumer()}")

    def consumer(self) -> dict[str, Any]:
        state: dict[str, Any] = self.http.get(f"/trail/v1/consumers/{CONSUMER}").json()
        return state

    def lines(self) -> list[Line]:
        found = []
        for line in self._log.read_text().splitlines():
            partition, token, position, subject, id_ = line.split(" ")
            found.append(Line(int(partition), int(token), int(position), subject, id_))
        return found

    def ledger(self) -> Iterator[dict[str, Any]]:
        after = 0
        while items := self.http.get("/trail/v1/feed", params={"after": after, "limit": 1_000}).json()["items"]:
            yield from items
            after = items[-1]["position"]

    def parked(self) -> dict[str, int]:
        """Return the refused position of each parked order."""
        found: dict[str, int] = {}
        cursor = ""
        while True:
            query = {"limit": 100, **({"cursor": cursor} if cursor else {})}
            page = self.http.get(f"/trail/v1/consumers/{CONSUMER}/parked", params=query).json()
            found |= {item["subject"]: item["position"] for item in page["items"]}
            if not (cursor := page["next"]):
                return found


def check(soak: Soak) -> dict[str, int]:
    """Compare what was handled with the ledger. Raises AssertionError if a promise was broken."""
    lines, parked = soak.lines(), soak.parked()
    newest: dict[int, int] = defaultdict(int)
    accepted = []
    for line in lines:  # as a receiver does that is handed the tokens
        if line.token >= newest[line.partition]:
            newest[line.partition] = line.token
            accepted.append(line)
    orders: dict[str, list[int]] = defaultdict(list)
    ids: dict[int, str] = {}
    for event in soak.ledger():
        ids[event["position"]] = event["id"]
        orders[event["subject"]].append(event["position"])
    done: dict[str, int] = defaultdict(int)
    for line in accepted:
        assert ids[line.position] == line.id, ("another id", line)
        order = orders[line.subject]
        place = order.index(line.position)
        assert place <= done[line.subject], ("out of order", line)
        done[line.subject] = max(done[line.subject], place + 1)
    for subject, order in orders.items():
        wanted = [position for position in order if position < parked.get(subject, sys.maxsize)]
        assert done[subject] == len(wanted), ("lost", subject, wanted[done[subject] :])
    return {
        "events": len(ids),
        "handled": len({line.position for line in accepted}),
        "handled more than once": len(accepted) - len({line.position for line in accepted}),
        "late, with an old token": len(lines) - len(accepted),
        "orders parked": len(parked),
        "events that wait with them": len(ids) - sum(done.values()),
        **soak.counts,
    }


@contextmanager
def _server(dsn: str) -> Iterator[tuple[str, int]]:
    """Run a server with two workers; yield its URL and its process."""
    command = [str(ORDERTRAIL), "serve", "--port", "0", "--workers", "2", "--dsn", dsn]
    with subprocess.Popen(command, env=os.environ | SETTINGS, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[3].rstrip(","), process.pid
        finally:
            process.terminate()


def main(dsn: str, runs: int, *, minutes: float = 10.0) -> None:
    """Run it once, for so many minutes."""
    with (
        tempfile.TemporaryDirectory(prefix="ot-soak-") as folder,
        fresh_database(dsn, is_ours=True) as database,
        _server(database) as (url, process),
    ):
        asyncio.run(create_tenant(database, "soak", is_implicit=True, dintero_account=None))
        key = asyncio.run(create_key(database, "soak", scopes=("admin",), name="Soak"))
        soak = Soak(url, key["token"], process, Path(folder))
        soak.run(minutes * 60)
        table = Table("three members, killed and frozen at random", f"in {minutes:g} minutes")
        for what, number in check(soak).items():
            table.add_row(what, f"{number:,}")
        CONSOLE.print(table)
        CONSOLE.print("Nothing was lost, nothing was out of order within an order, and every repeat had the same id.")
