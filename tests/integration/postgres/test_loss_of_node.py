"""What a server says of a lost node of its cluster is told from what it says of itself, and from mistakes of ours."""

import psycopg
import pytest

from domain.errors import Busy
from infrastructure.postgres.database import connect, translated
from infrastructure.postgres.reasons import is_loss_of_node

RAISE = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{}', MESSAGE = '{}'; END $$"


async def said(dsn: str, code: str, message: str) -> psycopg.Error:
    async with await connect(dsn, as_owner=True) as connection:
        with pytest.raises(psycopg.Error) as raised:
            await connection.execute(RAISE.format(code, message).encode())
    return raised.value


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("08006", "connection to the remote node shop@node:5432 failed"),
        ("57P01", "terminating connection due to administrator command"),
        ("57P02", "terminating connection because of crash of another server process"),
        ("57P03", "the database system is starting up"),
        ("XX000", "could not commit transaction for shard 102008 on at least one active node"),
        ("XX000", "failure on connection marked as essential: node:5432"),
        ("58030", "failed to complete COPY on node:5432"),
    ],
)
async def test_a_lost_node_stops_only_what_needs_it(shared_dsn: str, code: str, message: str) -> None:
    error = await said(shared_dsn, code, message)

    assert is_loss_of_node(error)
    with pytest.raises(Busy, match="cannot be reached") as meant, translated():
        raise error
    assert not meant.value.is_away
    assert message in meant.value.said


@pytest.mark.parametrize(
    ("code", "message"),
    [("XX000", "cache lookup failed for type 7"), ("58030", "could not write to file"), ("40P01", "deadlock detected")],
)
async def test_other_errors_are_no_loss(shared_dsn: str, code: str, message: str) -> None:
    assert not is_loss_of_node(await said(shared_dsn, code, message))


async def test_the_end_of_a_session_of_ours_is_no_loss(shared_dsn: str) -> None:
    async with await connect(shared_dsn, as_owner=True) as connection:
        with pytest.raises(psycopg.Error) as ended:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert not is_loss_of_node(ended.value)
