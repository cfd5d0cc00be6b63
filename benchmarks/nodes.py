"""python -m benchmarks.nodes --plain DSN [--cluster DSN]: what an append costs on one server, and on a cluster's nodes.

Both are installations whose servers run on this machine; the cluster's DSN is that of its coordinator. The nodes share
the machine's processors, so the rates say little. The processor time says what delegation costs: that of the processes
that serve sessions, without what the servers do in the background.
"""

import argparse
import asyncio
import os
import secrets
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import NamedTuple

import psycopg
import uvloop
from psycopg.conninfo import make_conninfo
from rich.table import Table

from api.bootstrap import set_up_database
from api.settings import read_settings
from benchmarks.append_in_process import appended, create_tenants
from benchmarks.processors import sessions_seconds
from benchmarks.table import CONSOLE
from domain.values import TenantName
from infrastructure.ledger.group_commit import open_group_commit

TENANTS = 12
"""How many tenants are written to; they are spread evenly over the nodes."""
WRITERS = (12, 96, 768)
SECONDS = 4.0
WARM_UP_SECONDS = 1.0
AIM = 1.3

_NODES = """
SELECT nodename, nodeport FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary' ORDER BY 1, 2
"""
_PLACES = """
SELECT t.tenant, n.nodename, n.nodeport
FROM unnest(%s::text[]) AS t (tenant)
JOIN pg_dist_placement AS p ON p.shardid = get_shard_id_for_distribution_column('ordertrail.ledgers', t.tenant)
JOIN pg_dist_node AS n USING (groupid) WHERE n.noderole = 'primary'
"""
_COORDINATOR = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid = 0"
Node = tuple[str, int]


class Contestant(NamedTuple):
    """An installation, the tenants that are written to, and the DSNs of its servers, by what they are."""

    dsn: str
    tenants: Sequence[TenantName]
    servers: Mapping[str, Sequence[str]]


class Cost(NamedTuple):
    """What appends took: how many there were a second, and microseconds of a processor for each, by part."""

    rate: float
    parts: Mapping[str, float]

    @property
    def of_servers(self) -> float:
        return sum(of_part for part, of_part in self.parts.items() if part != "client")


def measure(contestant: Contestant, writers: int) -> Cost:
    """Append for a while."""
    return uvloop.run(_measure(contestant, writers))


async def _measure(contestant: Contestant, writers: int) -> Cost:
    async with open_group_commit(contestant.dsn) as group_commit:
        for seconds in (WARM_UP_SECONDS, SECONDS):
            before, began = _used(contestant), time.perf_counter()
            done = await appended(group_commit, islice(cycle(contestant.tenants), writers), seconds)
        took, after = time.perf_counter() - began, _used(contestant)
    return Cost(done / took, {part: 1e6 * _between(before[part], after[part]) / done for part in after})


Used = Mapping[tuple[str, int], float]


def _used(contestant: Contestant) -> dict[str, Used]:
    """Return what each process of each part has taken so far."""
    own = os.times()
    return {
        "client": {("", os.getpid()): own.user + own.system},
        **{
            part: {(server, pid): seconds for server in servers for pid, seconds in sessions_seconds(server).items()}
            for part, servers in contestant.servers.items()
        },
    }


def _between(before: Used, after: Used) -> float:
    return sum(seconds - before.get(process, 0.0) for process, seconds in after.items())


def on_one_server(dsn: str) -> Contestant:
    """Return an installation on one server, with tenants of its own."""
    tenants = _new_tenants(dsn, TENANTS)
    return Contestant(dsn, tenants, {"server": [dsn]})


def on_nodes(dsn: str) -> dict[str, Contestant]:
    """Return a cluster's installation once for each number of nodes that the tenants are on."""
    with psycopg.connect(dsn) as connection:
        nodes: list[Node] = connection.execute(_NODES).fetchall()
        coordinator = connection.execute(_COORDINATOR).fetchone()
    by_node = _tenants_by_node(dsn, nodes)
    found = {}
    for number in range(1, len(nodes) + 1):
        # The coordinator comes last, because on it nothing is delegated.
        some = sorted(nodes, key=lambda node: node == coordinator)[:number]
        tenants = [by_node[some[n % number]][n // number] for n in range(TENANTS)]
        others = [make_conninfo(dsn, host=host, port=port) for host, port in some if (host, port) != coordinator]
        servers = {"coordinator": [dsn], "nodes": others}
        found[f"{number} of {len(nodes)} nodes"] = Contestant(dsn, tenants, servers)
    return found


def _tenants_by_node(dsn: str, nodes: Sequence[Node]) -> Mapping[Node, Sequence[TenantName]]:
    """Create tenants until each node has enough."""
    by_node: dict[Node, list[TenantName]] = defaultdict(list)
    while min(len(by_node[node]) for node in nodes) < TENANTS:
        names = _new_tenants(dsn, TENANTS)
        with psycopg.connect(dsn) as connection:
            for tenant, host, port in connection.execute(_PLACES, [names]):
                by_node[host, port].append(TenantName(tenant))
    return by_node


def _new_tenants(dsn: str, count: int) -> list[TenantName]:
    prefix = f"nodes-{secrets.token_hex(4)}"
    names = [TenantName(f"{prefix}-{n}") for n in range(count)]
    asyncio.run(create_tenants(dsn, names))
    return names


def show(contestants: Mapping[str, Contestant], writers: int, runs: int) -> None:
    """Measure all in turn, and print the table. The first contestant is the one that the others are compared with."""
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, contestant in contestants.items():
            costs[name].append(measure(contestant, writers))
    parts = list(dict.fromkeys(part for of_name in costs.values() for part in of_name[0].parts))
    table = Table(title=f"{writers} writers, {TENANTS} tenants: µs of a processor for an append", title_justify="left")
    table.add_column("")
    for column in (*parts, "all servers", "ratio", "appends/s"):
        table.add_column(column, justify="right")
    base = statistics.median(cost.of_servers for cost in costs[next(iter(costs))])
    for name, of_name in costs.items():
        cells = [
            f"{statistics.median(cost.parts[part] for cost in of_name):,.0f}" if part in of_name[0].parts else ""
            for part in parts
        ]
        servers = [cost.of_servers for cost in of_name]
        spread = f"[dim]{min(servers):,.0f} to {max(servers):,.0f}[/dim]"
        median = statistics.median(servers)
        rate = statistics.median(cost.rate for cost in of_name)
        table.add_row(name, *cells, f"{median:,.0f}\n{spread}", f"[bold]{median / base:.2f}[/bold]", f"{rate:,.0f}")
    CONSOLE.print(table)


def main() -> None:
    """Print a table for each number of writers."""
    parser = argparse.ArgumentParser(prog="benchmarks.nodes", description=__doc__)
    parser.add_argument("--plain", required=True, metavar="DSN", help="one server without Citus")
    parser.add_argument("--cluster", metavar="DSN", help="the coordinator of an installation that is distributed")
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs of each (default 3)")
    arguments = parser.parse_args()
    set_up_database(arguments.plain, read_settings())
    contestants = {"one server": on_one_server(arguments.plain)}
    if arguments.cluster:
        contestants |= on_nodes(arguments.cluster)
    # One tenant's writers share calls: the more there are, the fewer calls an append takes.
    for writers in WRITERS:
        show(contestants, writers, arguments.runs)
    CONSOLE.print(f"The aim for delegation is a ratio of {AIM} at most. The nodes share {os.cpu_count()} processors.")


if __name__ == "__main__":
    main()
