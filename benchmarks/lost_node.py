"""python -m benchmarks.lost_node DSN --lose COMMAND --bring-back COMMAND: take a node of a cluster away under load.

The DSN is that of the coordinator of an installation that is distributed. The commands end the server of one node, in
whatever way, and start it again; or they stop its processes (SIGSTOP) and let them go on. Meanwhile each of a few
tenants is written to and read over HTTP. Refused and failed appends are asked for again with the same event id.
Afterwards each ledger is compared with what was acknowledged.
"""

import argparse
import asyncio
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import httpx
import psycopg
from rich.table import Table

from api.bootstrap import open_sealer, open_services
from api.cli.maintenance import create_key, create_tenant
from api.services import Services
from benchmarks.load import ordertrail
from benchmarks.table import CONSOLE
from domain.values import TenantName

TENANTS = 8
ORDERS = 10
SECONDS = 5.0
LOST_SECONDS = 20.0
PAUSE_SECONDS = 0.05
WAIT_SECONDS = 60.0
BOUND_SECONDS = 15.0
"""How long any request may take, also while nobody knows yet that the node is lost."""
SERVED = {"append": 201, "read": 200}
EVENT = {"type": "order.status_updated", "data": {"status": "confirmed"}}


class Answer(NamedTuple):
    """What one request was answered, and when."""

    tenant: str
    what: str
    asked: float
    answered: float
    status: int
    lag: int = 0
    may_retry: bool = True
    """Whether a refusal has Retry-After."""
    says: str = ""
    """What a refusal says."""


class Journal:
    """What was asked, and which events were acknowledged."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.acknowledged: dict[str, list[str]] = {}

    def of(self, tenants: Iterable[str], what: str, since: float) -> list[Answer]:
        """Return the answers to what was asked since a moment."""
        wanted = set(tenants)
        return [a for a in self.answers if a.tenant in wanted and a.what == what and a.asked >= since]


async def _ask(journal: Journal, tenant: str, what: str, call: Coroutine[Any, Any, httpx.Response]) -> int:
    asked = time.monotonic()
    try:
        response = await call
        status, headers, says = response.status_code, response.headers, response.text if response.is_error else ""
    except httpx.HTTPError as error:
        status, headers, says = 0, httpx.Headers(), repr(error)
    lag, may_retry = int(headers.get("ordertrail-lag", 0)), "retry-after" in headers
    journal.answers.append(Answer(tenant, what, asked, time.monotonic(), status, lag, may_retry, says))
    return status


async def write(client: httpx.AsyncClient, tenant: str, journal: Journal, stop: asyncio.Event) -> None:
    """Append one event after the other, each until it is acknowledged."""
    while not stop.is_set():
        await append(client, tenant, journal)


async def append(client: httpx.AsyncClient, tenant: str, journal: Journal) -> None:
    """Append the next event, and note it once it is acknowledged."""
    kept = journal.acknowledged.setdefault(tenant, [])
    event_id, path = f"{tenant}-{len(kept)}", f"/trail/v1/orders/A-{len(kept) % ORDERS}/events"
    body = {**EVENT, "event_id": event_id}
    while await _ask(journal, tenant, "append", client.post(path, json=body)) != 201:  # noqa: ASYNC110 a client's wait
        await asyncio.sleep(PAUSE_SECONDS)
    kept.append(event_id)


async def read(client: httpx.AsyncClient, tenant: str, journal: Journal, stop: asyncio.Event) -> None:
    """Read the same order's timeline, which is a view, again and again."""
    while not stop.is_set():
        await _ask(journal, tenant, "read", client.get("/trail/v1/orders/A-0/timeline?limit=1"))
        await asyncio.sleep(PAUSE_SECONDS)


def nodes_of(dsn: str, tenants: Iterable[str]) -> Mapping[str, str]:
    """Return the node of each tenant."""
    with psycopg.connect(dsn) as connection:
        query = "SELECT t, ordertrail.node_of(t) FROM unnest(%s::text[]) AS t"
        return dict(connection.execute(query, [list(tenants)]).fetchall())


async def ready(url: str, is_so: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    """Return what /readyz says once it says this."""
    until = time.monotonic() + WAIT_SECONDS
    async with httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS) as client:
        while True:
            answer = await client.get("/readyz")
            if answer.status_code == 200 and is_so(answer.json()):
                return dict(answer.json())
            assert time.monotonic() < until, f"/readyz says {answer.status_code} {answer.text}"
            await asyncio.sleep(PAUSE_SECONDS)


def run_command(command: str) -> None:
    """Run a command of the shell, without its output."""
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


async def run(dsn: str, *, lose: str, bring_back: str) -> None:
    names = [f"lost-{secrets.token_hex(3)}-{n}" for n in range(TENANTS)]
    tokens = {}
    for name in names:
        await create_tenant(dsn, name, is_implicit=True, dintero_account=None)
        tokens[name] = (await create_key(dsn, name, scopes=("admin",), name="Bench"))["token"]
    places, journal = nodes_of(dsn, names), Journal()
    assert len(set(places.values())) > 1, f"all tenants are on one node: {places}"
    with ordertrail(dsn) as url:
        stop = asyncio.Event()
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            for name in names:
                headers = {"Authorization": f"Bearer {tokens[name]}"}
                client = httpx.AsyncClient(base_url=url, headers=headers, timeout=30)
                await stack.enter_async_context(client)
                for _ in range(ORDERS):  # an order that begins later would wait for the views
                    await append(client, name, journal)
                for do in (write, read):
                    tasks.create_task(do(client, name, journal, stop))
            await _take_away(dsn, url, places, journal, lose=lose, bring_back=bring_back)
            stop.set()
    async with open_services(dsn) as services, open_sealer(dsn) as sealer:
        await sealer.seal_all()
        for name in names:
            await check(services, TenantName(name), journal.acknowledged[name])
    total = sum(map(len, journal.acknowledged.values()))
    CONSOLE.print(f"{total:,} events were acknowledged; all are there once, without a gap, sealed and verified.")


async def _take_away(
    dsn: str, url: str, places: Mapping[str, str], journal: Journal, *, lose: str, bring_back: str
) -> None:
    table = Table(title="A node of the cluster is lost", title_justify="left", title_style="bold")
    for column in ("phase", "tenants", "what", "served", "refused", "other", "slowest, ms", "lag at most"):
        table.add_column(column)
    began = time.monotonic()
    await asyncio.sleep(SECONDS)
    _rows(table, "before", journal, {"all": list(places)}, began)

    sealed = _sealed(dsn, places)
    lost_at = time.monotonic()
    await asyncio.to_thread(run_command, lose)
    said = await ready(url, lambda said: bool(said["lost_nodes"]))
    noticed = time.monotonic() - lost_at
    [node] = said["lost_nodes"]
    groups = {
        "the lost node's": [name for name, place in places.items() if place == node],
        "the others'": [name for name, place in places.items() if place != node],
    }
    assert said["status"] == "degraded", said
    await asyncio.sleep(LOST_SECONDS)
    _rows(table, "lost", journal, groups, lost_at + noticed)
    _judge_loss(journal, groups, lost_at + noticed)
    _judge_beginning(journal, lost_at)
    _rows(table, "from the loss on", journal, groups, lost_at)
    now_sealed = _sealed(dsn, {name: places[name] for name in groups["the others'"]})
    behind = [name for name, size in now_sealed.items() if size <= sealed[name]]
    assert not behind, f"the others' ledgers were not sealed meanwhile: {behind}"

    await asyncio.to_thread(run_command, bring_back)
    back_at = time.monotonic()
    await ready(url, lambda said: said["status"] == "ok")
    well = time.monotonic() - back_at
    await asyncio.sleep(SECONDS)
    _rows(table, "back", journal, groups, back_at + well)
    CONSOLE.print(table)
    first = min(a.answered for a in journal.of(groups["the lost node's"], "append", back_at) if a.status == 201)
    CONSOLE.print(
        f"/readyz named {node} {noticed:.1f} s after it was taken away. Once its server was started, the first"
        f" append was served after {first - back_at:.1f} s, and /readyz was ok after {well:.1f} s."
    )


def _rows(table: Table, phase: str, journal: Journal, groups: Mapping[str, list[str]], since: float) -> None:
    for group, tenants in groups.items():
        for what, served in SERVED.items():
            answers = journal.of(tenants, what, since)
            counts = Counter(answer.status for answer in answers)
            slowest = max((answer.answered - answer.asked for answer in answers), default=0.0)
            lag = max((answer.lag for answer in answers), default=0)
            figures = counts[served], counts[503], counts.total() - counts[served] - counts[503]
            table.add_row(phase, group, what, *(f"{n:,}" for n in figures), f"{slowest * 1_000:,.0f}", f"{lag}")


def _judge_loss(journal: Journal, groups: Mapping[str, list[str]], since: float) -> None:
    """Raise AssertionError if somebody was answered otherwise than promised while the node was lost."""
    lost, others = groups.values()
    for what, served in SERVED.items():
        wrong = [a for a in journal.of(lost, what, since) if a.status != 503 or not a.may_retry]
        assert not wrong, f"{len(wrong)} requests for the lost node's tenants were answered wrongly: {wrong[0]}"
        wrong = [a for a in journal.of(others, what, since) if a.status != served]
        assert not wrong, f"{len(wrong)} requests for the others' tenants were not served: {wrong[0]}"


def _judge_beginning(journal: Journal, since: float) -> None:
    """Raise AssertionError if somebody waited for too long, or was answered with an error of ours."""
    asked = [a for a in journal.answers if a.asked >= since]
    slow = [a for a in asked if a.answered - a.asked > BOUND_SECONDS]
    assert not slow, f"{len(slow)} requests took too long: {slow[0]}"
    wrong = [a for a in asked if a.status not in {SERVED[a.what], 503}]
    assert not wrong, f"{len(wrong)} requests were answered wrongly: {wrong[0]}"


def _sealed(dsn: str, tenants: Iterable[str]) -> dict[str, int]:
    """Return how many events of each ledger are sealed."""
    query = "SELECT size FROM ordertrail.trees WHERE tenant = %s"
    with psycopg.connect(dsn, autocommit=True) as connection:
        return {name: int((connection.execute(query, [name]).fetchone() or (0,))[0]) for name in tenants}


async def check(services: Services, tenant: TenantName, acknowledged: Iterable[str]) -> None:
    """Raise AssertionError if a ledger has other events than were acknowledged, or is not as it was signed."""
    ids: list[str] = []
    while page := await services.store.read_ledger(tenant, after=len(ids)):
        first = len(ids) + 1
        assert [event.position for event in page] == list(range(first, first + len(page))), "there is a gap"
        ids += [event.event_id for event in page]
    assert sorted(ids) == sorted(acknowledged), f"the ledger of {tenant} has other events than were acknowledged"
    verified = await services.verification.verify(tenant, lambda *_: None)
    assert verified.damage is None, verified.damage
    assert verified.sealed == len(ids), "not all is sealed"


def main() -> None:
    """Take a node away, and check what that does."""
    parser = argparse.ArgumentParser(prog="benchmarks.lost_node", description=__doc__)
    parser.add_argument("dsn")
    parser.add_argument("--lose", required=True, help="a command that ends the server of a node")
    parser.add_argument("--bring-back", required=True, help="a command that starts it again")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.dsn, lose=arguments.lose, bring_back=arguments.bring_back))


if __name__ == "__main__":
    main()
