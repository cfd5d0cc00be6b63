"""Whoever has the service's connection and calls the append functions with lies leaves no gap in a ledger."""

from collections.abc import Iterator
from random import Random
from typing import Any

import psycopg
import pytest

from infrastructure.postgres.session import runtime_dsn
from infrastructure.setup.migrations import migrate
from tests.fix_postgres import database

TYPES = {
    "keys": "text[]",
    "fingerprints": "bytea[]",
    "write_append": "int[]",
    "write_stream": "text[]",
    "write_expected": "bigint[]",
    "write_size": "int[]",
    "write_behind": "int[]",
    "write_offset": "int[]",
    "event_write": "int[]",
    "event_stream": "text[]",
    "event_ids": "text[]",
    "types": "text[]",
    "data": "bytea[]",
    "metadata": "bytea[]",
    "occurred_at": "timestamptz[]",
}
CALL = f"SELECT * FROM ordertrail.append_group('acme', {', '.join(f'%({n})s::{t}' for n, t in TYPES.items())})"
CHECK = """
    SELECT l.position, (SELECT count(*) FROM ordertrail.events), (SELECT max(position) FROM ordertrail.events)
    FROM ordertrail.ledgers AS l
"""
Call = dict[str, list[Any]]


@pytest.fixture
def runtime(any_server_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection as the service has it, to a ledger with a few streams, on each of the servers in turn."""
    with database(any_server_dsn) as dsn:
        migrate(dsn)
        with psycopg.connect(dsn) as owner:
            owner.execute("INSERT INTO ordertrail.tenants (tenant) VALUES ('acme')")
            owner.execute("INSERT INTO ordertrail.ledgers (tenant) VALUES ('acme')")
        with psycopg.connect(runtime_dsn(dsn), autocommit=True) as connection:
            yield connection


def honest(random: Random, n: int) -> Call:
    """Return a call as the service makes it: some of its appends are refused, or were made before."""
    call: Call = {name: [] for name in TYPES}
    for append in range(1, random.randint(1, 4) + 1):
        call["keys"].append(random.choice([None, None, f"key-{n}-{append}", f"again-{append}"]))
        call["fingerprints"].append(b"")
        stream, size = f"order-{random.randint(1, 3)}", random.randint(1, 3)
        call["write_append"].append(append)
        call["write_behind"].append(call["event_stream"].count(stream))
        call["write_offset"].append(len(call["event_ids"]))
        call["write_stream"].append(stream)
        call["write_expected"].append(random.choice([-2] * 6 + [-3, -4, 1]))
        call["write_size"].append(size)
        for event in range(size):
            call["event_write"].append(append)
            call["event_stream"].append(stream)
            call["event_ids"].append(random.choice([f"e-{n}-{append}-{event}"] * 4 + [f"again-{append}-{event}"]))
            call["types"].append("t")
            call["data"].append(b"")
            call["metadata"].append(b"")
            call["occurred_at"].append(None)
    return call


def with_a_lie(random: Random, call: Call) -> Call:
    """Return the call with one of its arrays changed: an element is another, is missing, or is there twice."""
    name = random.choice([name for name, elements in call.items() if elements])
    elements = list(call[name])
    place = random.randrange(len(elements))
    match random.randrange(3):
        case 0:
            elements[place] = random.randint(-3, 6) if isinstance(elements[place], int) else None
        case 1:
            del elements[place]
        case _:
            elements.insert(place, elements[place])
    return {**call, name: elements}


def test_no_lie_leaves_a_gap_in_a_ledger(runtime: psycopg.Connection) -> None:
    random, refused = Random(6), 0

    for n in range(1_500):
        call = honest(random, n)
        for _ in range(random.randrange(3)):
            call = with_a_lie(random, call)
        try:
            runtime.execute(CALL, call)
        except psycopg.Error:
            refused += 1

        head, count, newest = runtime.execute(CHECK).fetchall()[0]
        assert head == count == (newest or 0), call

    assert head > 1_000
    assert refused > 200


@pytest.mark.parametrize("size", [1, 3])
def test_a_write_that_says_it_has_another_number_of_events_stores_nothing(
    runtime: psycopg.Connection, size: int
) -> None:
    call: Call = {
        **honest(Random(1), 1),
        "keys": [None, None],
        "fingerprints": [b"", b""],
        "write_append": [1, 2],
        "write_stream": ["order-1", "order-2"],
        "write_expected": [9, -2],  # so that append by append is decided
        "write_size": [1, size],
        "write_behind": [0, 0],
        "write_offset": [0, 1],
        "event_write": [1, 2, 2],
        "event_stream": ["order-1", "order-2", "order-2"],
        **{name: [name + str(n) for n in range(3)] for name in ("event_ids", "types")},
        **{name: [b""] * 3 for name in ("data", "metadata")},
        "occurred_at": [None] * 3,
    }

    with pytest.raises(psycopg.errors.DataException, match="as many events as they say"):
        runtime.execute(CALL, call)

    assert runtime.execute(CHECK).fetchall() == [(0, 0, None)]
