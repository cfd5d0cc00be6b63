"""Backups of the embedded database, restored to their end and to a time: nothing that was erased comes back."""

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from api.bootstrap import open_database, open_register, open_sealer, open_services
from api.cli.maintenance import create_key, create_tenant
from api.settings import read_settings
from application.access.callers import Tenant
from domain.events.lifecycle import CommentAdded
from domain.streams import order_stream, person_stream
from domain.values import Actor, Customer, TenantName
from tests.commands import assert_says, ordertrail
from tests.fix_embedded import kill_postmasters
from tests.fix_postgres import database

ACME = Tenant(TenantName("acme"), is_implicit=False, dintero_account=None)
KIM = Actor(id="u-7", name="Kim Secret", type="User")
LATER = "9000-01-01T00:00:00Z"


class Shop:
    """What is done in a database that services are opened on."""

    def __init__(self, dsn: str, services: Any) -> None:
        self._dsn, self._services = dsn, services

    async def create(self, order_id: str) -> None:
        customer = Customer(id=f"c-{order_id}", name=f"Ann Secret of {order_id}")
        await self._services.orders.create(ACME, order_id, customer=customer, actor=KIM)

    async def comment(self, order_id: str, text: str) -> None:
        event = CommentAdded(originator_id=order_stream(order_id), text=text, actor=KIM)
        await self._services.orders.record(ACME, order_id, [event])

    async def redact(self, order_id: str) -> None:
        await self._services.orders.redact(ACME, order_id, actor=Actor(id="desk"))

    async def seal(self) -> str:
        async with open_sealer(self._dsn) as sealer:
            await sealer.seal_all()
        return str(await self._services.proofs.checkpoint(ACME.name))


@asynccontextmanager
async def shop(data_dir: Path) -> AsyncIterator[Shop]:
    with open_database(read_settings(data_dir=data_dir)) as dsn:
        async with open_services(dsn, as_owner=True) as services:
            yield Shop(dsn, services)


class Story(NamedTuple):
    """A data directory whose database was backed up, and used further."""

    data_dir: Path
    backups: Path
    between: datetime
    """A time after the backup, before anybody was forgotten."""
    backed_up: str
    """What the backup said."""
    checkpoint: Path
    """A checkpoint of all events."""


@pytest.fixture(scope="module")
def story(used_dir: Path) -> Iterator[Story]:
    folder = Path(tempfile.mkdtemp(prefix="ot-", dir="/tmp"))
    data_dir, backups = folder / "data", folder / "backups"
    subprocess.run(["cp", "-a", used_dir, data_dir], check=True)
    try:
        yield asyncio.run(tell(data_dir, backups))
    finally:
        kill_postmasters(folder)
        shutil.rmtree(folder, ignore_errors=True)


async def tell(data_dir: Path, backups: Path) -> Story:
    async with shop(data_dir) as acme:
        await create_tenant(acme._dsn, ACME.name, is_implicit=False, dintero_account=None)
        await create_key(acme._dsn, ACME.name, scopes=("admin",), name="Till", performer=KIM)
        for order_id in ("early", "late", "kept"):
            await acme.create(order_id)
        await acme.redact("early")
        await acme.seal()
        backed_up = ordertrail("backup", backups, "--data-dir", data_dir)
        assert (backed_up.returncode, backed_up.stderr) == (0, "")
        await acme.comment("kept", "before")
        between = datetime.now(UTC)
        await acme.comment("kept", "after")
        await acme.redact("late")
        forgotten = ordertrail("forget", "--tenant", "acme", "--person", "u-7", "--yes", "--data-dir", data_dir)
        assert forgotten.returncode == 0
        checkpoint = backups.with_name("checkpoint")
        checkpoint.write_text(await acme.seal())
    return Story(data_dir, backups, between, backed_up.stdout, checkpoint)


def events(data_dir: Path) -> list[dict[str, Any]]:
    lines = ordertrail("replay", "--tenant", "acme", "--format", "ndjson", "--data-dir", data_dir).stdout
    return [json.loads(line) for line in lines.splitlines()]


def texts(data_dir: Path) -> list[str]:
    return [event["data"]["text"] for event in events(data_dir) if "text" in event["data"]]


def test_a_backup_says_where_it_is_and_that_the_key_is_in_it(story: Story) -> None:
    [base] = (story.backups / "base").iterdir()

    assert str(base) in story.backed_up
    assert "The installation's key is in this backup" in story.backed_up
    assert (story.backups / "checkpoints" / "acme").read_text().splitlines()[1] == "4"


def test_a_restore_has_everything_and_continues_what_others_hold(story: Story, used_dir: Path) -> None:
    target = story.data_dir.with_name("whole")
    subprocess.run(["cp", "-a", used_dir, target], check=True)

    result = ordertrail("restore", story.backups, "--data-dir", target, "--checkpoint", story.checkpoint)

    assert (result.returncode, result.stderr) == (0, "")
    assert "It continues the 2 checkpoints that you hold" in result.stdout
    assert "0 of 1 subjects were erased again" in result.stdout
    assert events(target) == events(story.data_dir)
    assert texts(target) == ["before", "after"]
    [earlier] = target.parent.glob("whole.before-*")
    assert f"What was in {target} is in {earlier} now" in result.stdout
    assert (earlier / "postgres" / "PG_VERSION").exists()


async def test_a_restore_to_a_time_erases_again_what_was_erased_later_and_tells_what_is_lost(story: Story) -> None:
    target = story.data_dir.with_name("earlier")
    time = ("--to", story.between.isoformat())

    result = ordertrail("restore", story.backups, "--data-dir", target, *time, "--checkpoint", story.checkpoint)

    assert (result.returncode, result.stderr) == (1, "")
    assert "2 of 3 subjects were erased again" in result.stdout
    assert "acme: DAMAGED" in result.stdout
    assert "the checkpoint that you hold" in result.stdout
    assert texts(target) == ["before"]
    everything = json.dumps(events(target))
    assert "Ann Secret of kept" in everything
    assert [name for name in ("of early", "of late", "Kim") if name in everything] == []
    with open_database(read_settings(data_dir=target)) as dsn:
        async with open_register(dsn) as register:
            erased = [erased.subject for erased in await register.erasures.of_tenant(ACME.name)]
            [key] = await register.keys.of_tenant(ACME.name)
    assert erased == ["order-early", "order-late", person_stream(KIM.id)]
    assert (key.performer and key.performer.name) == ""


def test_what_cannot_be_restored_is_said_and_changes_nothing(story: Story, tmp_path: Path) -> None:
    new = story.data_dir.with_name("new")

    def restore(folder: Path, *arguments: object, data_dir: Path = new) -> Any:
        return ordertrail("restore", folder, "--data-dir", data_dir, *arguments)

    assert_says(restore(story.backups, "--to", "2020-01-01T00:00:00Z"), 1, "no backup from before that time")
    assert_says(restore(story.backups, "--to", LATER), 1, "ends before that time")
    assert_says(restore(tmp_path), 2, "no folder that ordertrail backup has made")
    assert_says(restore(story.backups, "--to", "yesterday"), 2, "--to")
    with open_database(read_settings(data_dir=story.data_dir)):
        assert_says(restore(story.backups, data_dir=story.data_dir), 2, "in use")
    (tmp_path / "erasures").write_text("nobody\n")
    assert_says(restore(story.backups, "--erasures", tmp_path / "erasures"), 2, "no list of erasures")
    assert not new.exists()


def test_a_folder_of_others_is_left_alone(story: Story, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()

    assert_says(ordertrail("backup", tmp_path, "--data-dir", story.data_dir), 2, "mine.txt", "another folder")


def test_backups_of_two_installations_are_not_mixed(story: Story, data_dir: Path) -> None:
    assert_says(ordertrail("backup", story.backups, "--data-dir", data_dir), 2, "another installation")


def test_only_the_newest_backups_are_kept_if_that_is_asked_for(story: Story) -> None:
    own, target = story.backups.with_name("pruned"), story.data_dir.with_name("from-pruned")
    assert ordertrail("backup", own, "--data-dir", story.data_dir).returncode == 0

    pruned = ordertrail("backup", own, "--keep", "1", "--data-dir", story.data_dir)

    assert pruned.stdout.count("was removed") == 1
    assert len(list((own / "base").iterdir())) == 1
    assert ordertrail("restore", own, "--data-dir", target).returncode == 0
    assert texts(target) == ["before", "after"]


@pytest.mark.one_server("a cluster keeps sessions of its own, so no database is made from it")
async def test_a_database_that_own_tools_restored_is_erased_and_verified(
    dsn: str, server_dsn: str, tmp_path: Path
) -> None:
    async with open_services(dsn, as_owner=True) as services:
        await create_tenant(dsn, ACME.name, is_implicit=False, dintero_account=None)
        acme = Shop(dsn, services)
        await acme.create("late")
        await acme.seal()
    name = str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    with database(server_dsn, template=name) as copy:
        async with open_services(dsn, as_owner=True) as services:
            await Shop(dsn, services).redact("late")
            await Shop(dsn, services).seal()
        listed = ordertrail("backup", tmp_path / "lists", "--dsn", dsn)

        result = ordertrail("restore", tmp_path / "lists", "--dsn", copy)

        assert (listed.returncode, result.returncode) == (0, 0)
        assert "with its own tools" in listed.stdout
        assert "acme: events 2 to 2 are not in what was restored" in result.stdout
        assert "1 of 1 subjects were erased again" in result.stdout
        with psycopg.connect(copy) as connection:
            assert connection.execute(
                "SELECT count(*) FROM ordertrail.subject_keys WHERE wrapped IS NULL"
            ).fetchone() == (1,)
