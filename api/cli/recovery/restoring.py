"""What `ordertrail restore` does: it restores, erases again what was erased since, and verifies."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from api.bootstrap import backups, data_directory_is_used, installation_facts, open_register, set_up_database
from api.cli.ledgers import verify_ledgers
from api.cli.recovery.backing_up import KEY_WARNING
from api.cli.recovery.erasing import erase_again
from api.cli.recovery.kept_lists import (
    CHECKPOINTS,
    ERASURES,
    kept_checkpoints,
    merged,
    read_erasures,
    size_of,
    tenant_of,
)
from api.cli.settings import run
from api.settings import Settings
from application.privacy.erasures import Erased
from domain.errors import Misconfigured


class InUse(Misconfigured):
    """The data directory is in use; end every command and server that uses it first."""


def restore(
    repository: Path,
    settings: Settings,
    *,
    to: datetime | None,
    held: Sequence[str],
    lists: Sequence[Path],
) -> bool:
    """Restore the embedded database as it was at a time, or at the end of what is kept. Return whether it verifies.

    What was in the data directory is kept beside it. Raises NoBackup, NotABackup, InUse.
    """
    data_dir = settings.data_dir.expanduser().resolve()
    if data_directory_is_used(data_dir):
        raise InUse
    backup = backups.choose(backups.backups_in(repository), to)
    listed = merged(*(read_erasures(path) for path in (repository / ERASURES, *lists)))
    staging = _new_staging(data_dir)
    if to is not None:
        # What was erased after that time stands in the log behind it.
        with backups.recovered(backup, repository, staging, None) as dsn:
            listed = merged(listed, run(_erasures(dsn)))
        shutil.rmtree(staging)
    with backups.recovered(backup, repository, staging, to) as dsn:
        set_up_database(dsn, settings)
        is_whole = finish(dsn, settings, listed, kept_checkpoints(repository / CHECKPOINTS), held)
    _put_in_place(staging, data_dir)
    print(f"{data_dir} holds the database of {backup.folder.name}{f', as it was at {to.isoformat()}' if to else ''}.")
    print(f"Back it up anew: ordertrail backup {repository}")
    return is_whole


def _new_staging(data_dir: Path) -> Path:
    """Return a folder beside the data directory that does not exist: what a restore that failed left there is removed.

    Raises InUse.
    """
    staging = data_dir.with_name(f"{data_dir.name}.restoring")
    if staging.exists() and (not (staging / ".in-use").exists() or data_directory_is_used(staging)):
        raise InUse(f"{staging} is in the way; move it elsewhere")
    shutil.rmtree(staging, ignore_errors=True)
    staging.parent.mkdir(parents=True, exist_ok=True)
    return staging


def finish(dsn: str, settings: Settings, listed: Sequence[Erased], kept: dict[str, str], held: Sequence[str]) -> bool:
    """Erase again what was erased since a restored database was copied, and verify it. Return whether it is whole.

    kept are the checkpoints beside the backup, by tenant; held are others'.
    """
    heads = run(_heads(dsn))
    for tenant, note in kept.items():
        if size_of(note) > heads.get(tenant, 0):
            lost = f"events {heads.get(tenant, 0) + 1} to {size_of(note)}"
            print(
                f"{tenant}: {lost} are not in what was restored; a checkpoint of them was signed. Tell your auditors."
            )
    erased = run(erase_again(dsn, listed, bodies_url=settings.bodies_url))
    print(f"{erased} of {len(listed)} subjects were erased again: their data was erased after the copy was made.")
    if run(installation_facts(dsn)).keeps_its_key:
        print(f"Warning: {KEY_WARNING}.")
    return _verify(dsn, settings, heads, kept, held)


def _verify(dsn: str, settings: Settings, heads: dict[str, int], kept: dict[str, str], held: Sequence[str]) -> bool:
    """Verify every ledger against the checkpoints that it must continue, and print what is found."""
    notes = {tenant: [kept[tenant]] if _reaches(head, kept.get(tenant)) else [] for tenant, head in heads.items()}
    strangers = [note for note in held if tenant_of(note) not in notes]
    for note in held:
        notes.get(tenant_of(note), []).append(note)
    for note in strangers:
        print(
            f"{tenant_of(note)}: DAMAGED: there is no such ledger, and you hold a checkpoint of {size_of(note)} events"
        )
    found = [run(verify_ledgers(dsn, tenant, (), notes[tenant], bodies_url=settings.bodies_url)) for tenant in notes]
    return all(found) and not strangers


def _reaches(head: int, note: str | None) -> bool:
    return note is not None and size_of(note) <= head


async def _erasures(dsn: str) -> list[Erased]:
    async with open_register(dsn) as register:
        found = [await register.erasures.of_tenant(tenant) for tenant in await register.tenants.names()]
    return [erased for of_tenant in found for erased in of_tenant]


async def _heads(dsn: str) -> dict[str, int]:
    async with open_register(dsn) as register:
        return {name: (await register.tenants.find(name)).head for name in await register.tenants.names()}


def _put_in_place(staging: Path, data_dir: Path) -> None:
    if data_dir.exists():
        earlier = data_dir.with_name(f"{data_dir.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        data_dir.rename(earlier)
        print(f"What was in {data_dir} is in {earlier} now.")
    staging.rename(data_dir)
