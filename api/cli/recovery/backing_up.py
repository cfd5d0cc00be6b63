"""What `ordertrail backup` does."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from api.bootstrap import backups, installation_facts, open_database, open_register, open_services
from api.cli.recovery.kept_lists import (
    CHECKPOINTS,
    ERASURES,
    keep_checkpoint,
    merged,
    read_erasures,
    write_erasures,
)
from api.cli.settings import run
from api.settings import Settings
from domain.errors import NotSealed, Unproven

KEY_WARNING = (
    "The installation's key is in this backup. Whoever has the backup can read all personal data in it, also of those "
    "who are forgotten later. Keep the key out of the database: set ORDERTRAIL_INSTALLATION_KEY"
)


def back_up(repository: Path, settings: Settings, *, keep: int | None, only_lists: bool) -> None:
    """Back up an embedded database, and write down what a restore needs besides; of another database, only that.

    Raises Unavailable, NotABackup.
    """
    with open_database(settings) as dsn:
        if settings.dsn is not None or only_lists:
            repository.mkdir(parents=True, exist_ok=True)
        else:
            _copy(repository, settings.data_dir.expanduser().resolve(), dsn, keep=keep)
        run(_write_lists(repository, dsn))
    if settings.dsn is not None:
        print("Only these lists are kept here: back up your PostgreSQL with its own tools.")


def _copy(repository: Path, data_dir: Path, dsn: str, *, keep: int | None) -> None:
    backups.prepare(repository, data_dir)
    about = run(_about(dsn))
    backups.archive_to(repository, data_dir)
    backup = backups.take(repository, data_dir, dsn, about)
    print(f"{backup.folder} holds everything up to {backup.finished_at:%Y-%m-%dT%H:%M:%SZ}.")
    print(f"From now on {repository / 'wal'} gets what is written, within a minute.")
    if backup.holds_installation_key:
        print(f"Warning: {KEY_WARNING}.")
    for old in backups.remove_old(repository, keep=keep) if keep else ():
        print(f"{old.folder} was removed.")


async def _about(dsn: str) -> dict[str, Any]:
    facts = await installation_facts(dsn)
    async with open_register(dsn) as register:
        heads = {name: (await register.tenants.find(name)).head for name in await register.tenants.names()}
    return {"heads": heads, "origin": facts.origin, "holds_installation_key": facts.keeps_its_key}


async def _write_lists(repository: Path, dsn: str) -> None:
    async with open_register(dsn) as register, open_services(dsn) as services:
        tenants = await register.tenants.names()
        found = [await register.erasures.of_tenant(tenant) for tenant in tenants]
        path = repository / ERASURES
        erasures = merged(read_erasures(path), *found)
        write_erasures(path, erasures)
        print(f"{path} names {len(erasures)} subjects whose data was erased.")
        for tenant in tenants:
            with suppress(NotSealed, Unproven):  # doctor and verify tell of ledgers that are not sealed
                keep_checkpoint(repository / CHECKPOINTS, tenant, await services.proofs.checkpoint(tenant))
