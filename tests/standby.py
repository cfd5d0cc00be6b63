"""Standbys of a PostgreSQL: copies that follow it, and can be paused, frozen, killed, and promoted."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError

from infrastructure.embedded import programs
from infrastructure.embedded.options import PORT, server_options
from infrastructure.postgres.database import open_pool, watching_database
from infrastructure.postgres.standby import StandbyPools, open_standby
from tests.fix_embedded import run, wait_until
from tests.outage import Postgres


@dataclass(frozen=True)
class Standby(Postgres):
    """A copy of a server that follows it."""

    held: int

    @property
    def pgdata(self) -> Path:
        return self.data_dir / "postgres"

    def start(self) -> None:
        programs.start(self.pgdata, "-l", str(self.pgdata / "log"), "-o", server_options(self.pgdata), held=self.held)

    def crash(self) -> None:
        programs.stop(self.pgdata, "-m", "immediate")

    def pause(self) -> None:
        """Have it replay nothing more, as a standby does that cannot keep up."""
        run(self.dsn, "SELECT pg_wal_replay_pause()")
        wait_until(lambda: run(self.dsn, "SELECT pg_get_wal_replay_pause_state()") == [("paused",)])

    def resume(self) -> None:
        run(self.dsn, "SELECT pg_wal_replay_resume()")

    def catch_up_with(self, first: Postgres) -> None:
        """Wait until it has replayed all that its primary has written by now."""
        [(position,)] = run(first.dsn, "SELECT pg_current_wal_insert_lsn()")
        wait_until(lambda: run(self.dsn, f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == [(True,)])


@contextmanager
def standby_of(first: Postgres) -> Iterator[Standby]:
    """Run a copy of a server that follows it."""
    with tempfile.TemporaryDirectory(prefix="ot-", dir="/tmp") as folder:
        pgdata, owned = Path(folder, "postgres"), first.data_dir / "postgres"
        programs.give(Path(folder), to_owner_of=owned)
        programs.base_backup(pgdata, owner_of=owned, dsn=first.dsn, log=Path(folder, "log"))
        with (pgdata / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{first.dsn}'\n")
        (pgdata / "standby.signal").touch()
        (pgdata / f".s.PGSQL.{PORT}.lock").unlink()
        programs.own(pgdata)
        dsn = first.dsn.replace(str(owned).replace("/", "%2F"), str(pgdata).replace("/", "%2F"))
        standby = Standby(Path(folder), dsn, os.open(pgdata / "PG_VERSION", os.O_RDONLY))
        standby.start()
        try:
            yield standby
        finally:
            standby.thaw()
            with suppress(SubprocessError):
                standby.crash()
            os.close(standby.held)


@asynccontextmanager
async def opened(dsn: str, read_dsn: str) -> AsyncIterator[StandbyPools]:
    """Open a standby as a worker does."""
    async with (
        watching_database(dsn) as watch,
        open_pool(dsn, size=2, watch=watch) as pool,
        open_standby(read_dsn, pool, watch, size=2, large_size=1) as standby,
        asyncio.timeout(60),
    ):
        yield standby


async def until(standby: StandbyPools, words: str | None) -> None:
    """Wait until nothing is read from a standby for this reason, or until it is read from."""
    while (words or "") not in (standby.watch.why_not or "") or (words is None) != standby.watch.is_usable:  # noqa: ASYNC110 what is waited for is the watch
        await asyncio.sleep(0.01)
