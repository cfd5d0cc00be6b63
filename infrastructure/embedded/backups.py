"""Backups of the embedded PostgreSQL: base backups in a folder, and the archive of its write-ahead log beside them."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from domain.errors import Misconfigured, OrdertrailError, Unavailable
from infrastructure.embedded import programs
from infrastructure.embedded.errors import EmbeddedServerError, PostgresDoesNotStart
from infrastructure.embedded.options import ARCHIVE
from infrastructure.embedded.server import RECOVERY_ENDED, embedded_server

FORMAT = "ordertrail-backup/v1"
MANIFEST = "backup.json"
RECOVERY = ("restore_command", "recovery_target_time", "recovery_target_action", "hot_standby")
STAMP = "%Y%m%dT%H%M%SZ"


class NoBackup(OrdertrailError):
    """There is no backup that this can be restored from."""


class NotABackup(Misconfigured):
    """The folder is not one of ours."""


class BackupFailed(EmbeddedServerError, Unavailable):
    """PostgreSQL could not copy its data."""


class Backup(NamedTuple):
    """A base backup: everything as it was when it was finished."""

    folder: Path
    finished_at: datetime
    heads: dict[str, int]
    """The position of the newest event of each tenant then, at least."""
    holds_installation_key: bool
    origin: str
    """Which installation it is of."""


def prepare(repository: Path, data_dir: Path) -> None:
    """Make a folder for the backups of a data directory, and let its server write there. Raises NotABackup."""
    try:
        repository.mkdir(parents=True, exist_ok=True)
        strange = {path.name for path in repository.iterdir()} - {"base", "wal", "checkpoints", "erasures.ndjson"}
    except OSError as exc:
        raise NotABackup(
            f"Cannot write to {repository}: {exc.strerror}; choose a folder that you may write to"
        ) from exc
    if strange:
        raise NotABackup(
            f"{repository} holds {min(strange)}, which is no backup of Ordertrail's; choose another folder"
        )
    for name in ("base", "wal"):
        (repository / name).mkdir(exist_ok=True)
        programs.give(repository / name, to_owner_of=data_dir / "postgres")


def archive_to(repository: Path, data_dir: Path) -> None:
    """Have the server of a data directory keep its write-ahead log in a repository, from its next segment on."""
    link, new = data_dir / ARCHIVE, data_dir / f"{ARCHIVE}.new"
    with suppress(FileNotFoundError):
        new.unlink()
    new.symlink_to((repository / "wal").resolve())
    new.replace(link)


def take(repository: Path, data_dir: Path, dsn: str, about: dict[str, Any]) -> Backup:
    """Copy a running server's data. about has the heads, the origin, and whether the installation's key is in it.

    Raises BackupFailed, NotABackup.
    """
    if any(backup.origin != about["origin"] for backup in backups_in(repository)):
        raise NotABackup(f"{repository} holds backups of another installation; choose another folder")
    began_at = datetime.now(UTC)
    unfinished = repository / "base" / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    log = repository / "base" / "log"
    try:
        programs.base_backup(unfinished, owner_of=data_dir / "postgres", dsn=dsn, log=log)
    except (OSError, subprocess.SubprocessError) as exc:
        raise BackupFailed("PostgreSQL could not copy its data", said=programs.last_words(log, since=0)) from exc
    finished_at = datetime.now(UTC)
    folder = repository / "base" / finished_at.strftime(STAMP)
    manifest = {"format": FORMAT, "began_at": began_at, "finished_at": finished_at, "postgres": programs.release()}
    text = json.dumps({**manifest, **about}, default=datetime.isoformat, indent=1)
    (unfinished / MANIFEST).write_text(text + "\n", encoding="utf-8")
    unfinished.rename(folder)
    log.unlink(missing_ok=True)
    return _read(folder)


def backups_in(repository: Path) -> Sequence[Backup]:
    """Return the finished backups, the oldest first. Raises NotABackup."""
    if not (repository / "base").is_dir():
        raise NotABackup(f"{repository} is no folder that ordertrail backup has made")
    folders = sorted(path.parent for path in (repository / "base").glob(f"*/{MANIFEST}"))
    return sorted((_read(f) for f in folders if f.name != "unfinished"), key=lambda backup: backup.finished_at)


def choose(backups: Sequence[Backup], to: datetime | None) -> Backup:
    """Return the newest backup that was finished by a time. Raises NoBackup."""
    usable = [backup for backup in backups if to is None or backup.finished_at <= to]
    if not usable:
        oldest = f"; the oldest is of {backups[0].finished_at:%Y-%m-%dT%H:%M:%SZ}" if backups else ""
        raise NoBackup(f"There is no backup from before that time{oldest}" if to else "There is no backup here")
    return usable[-1]


def remove_old(repository: Path, *, keep: int) -> list[Backup]:
    """Remove all backups but the newest, and the archived log that only they need. Return those that were removed."""
    backups = backups_in(repository)
    old = list(backups[:-keep])
    for backup in old:
        shutil.rmtree(backup.folder)
    if old:
        label = (backups[-keep].folder / "backup_label").read_text(encoding="utf-8")
        first = label.split("(file ")[1].split(")")[0]
        programs.clean_archive(repository / "wal", first)
    return old


@contextmanager
def recovered(backup: Backup, repository: Path, data_dir: Path, to: datetime | None) -> Iterator[str]:
    """Restore a backup into a new data directory and run its server, which replays the archived log up to a time.

    Yield the DSN of its database. Raises NoBackup if the archived log ends before that time, and EmbeddedServerError.
    """
    _unpack(backup, repository, data_dir, to)
    try:
        with embedded_server(data_dir) as dsn:
            with psycopg.connect(dsn, autocommit=True) as connection:
                for name in RECOVERY:
                    connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            yield dsn
    except PostgresDoesNotStart as error:
        if RECOVERY_ENDED in error.said:
            raise NoBackup(
                "The archived log ends before that time; name an earlier one, or none for all of it"
            ) from error
        raise


def _unpack(backup: Backup, repository: Path, data_dir: Path, to: datetime | None) -> None:
    pgdata, archive = data_dir / "postgres", repository / "wal"
    data_dir.mkdir()
    (data_dir / ".in-use").touch(mode=0o600)
    shutil.copytree(backup.folder, pgdata, symlinks=True, ignore=shutil.ignore_patterns(MANIFEST, "log"))
    pgdata.chmod(0o700)
    command = f"cp {shlex.quote(str(archive.resolve())).replace('%', '%%')}/%f %p"
    # It takes no connections before it has come to its end, so that a failure is seen as one.
    values = [command, to.isoformat() if to else "", "promote", "off"]
    with (pgdata / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        for name, value in zip(RECOVERY, values, strict=True):
            quoted = value.replace("'", "''")
            file.write(f"{name} = '{quoted}'\n")
    (pgdata / "recovery.signal").touch()
    programs.own(pgdata)
    programs.let_in(archive)


def _read(folder: Path) -> Backup:
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise NotABackup(f"{folder} was made by another release of Ordertrail; restore it with that one")
        return Backup(
            folder,
            datetime.fromisoformat(told["finished_at"]),
            dict(told["heads"]),
            bool(told["holds_installation_key"]),
            str(told["origin"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise NotABackup(f"{folder / MANIFEST} cannot be read, so the backup is not used: {exc}") from exc
