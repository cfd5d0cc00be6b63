"""`ordertrail restore`."""

from pathlib import Path
from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli.files.trusted_keys import held_checkpoint
from api.cli.recovery.kept_lists import CHECKPOINTS, ERASURES, kept_checkpoints, merged, read_erasures
from api.cli.recovery.restoring import finish, restore
from api.cli.settings import DataDir, Dsn, plain_errors, settings_with
from api.cli.terminal.durations import instant

app = typer.Typer(add_completion=False)


@app.command("restore")
def restore_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="The folder of backups.")],
    to: Annotated[
        str | None, typer.Option(help="As it was at this RFC 3339 time. Default: the end of what is kept.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, help="A checkpoint that somebody holds: its ledger has to continue it."
        ),
    ] = None,
    erasures: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="Another list of erasures to do again.")
    ] = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Restore the embedded database from a backup, erase again what was erased since, and verify every ledger.

    With --dsn, your PostgreSQL was restored by its own tools already, and the rest is done. The exit status is 1 if a
    ledger is damaged or does not continue a checkpoint.
    """
    if to is not None and dsn is not None:
        raise typer.BadParameter("is for the embedded database; restore yours with its own tools", param_hint="--to")
    with plain_errors():
        moment = None if to is None else instant("--to", to)
        held = [held_checkpoint(path) for path in checkpoint or ()]
        settings = settings_with(dsn=dsn, data_dir=data_dir)
        if settings.dsn is None:
            is_whole = restore(folder, settings, to=moment, held=held, lists=erasures or ())
        else:
            listed = merged(*(read_erasures(path) for path in (folder / ERASURES, *(erasures or ()))))
            with open_database(settings, tell=print) as database:
                is_whole = finish(database, settings, listed, kept_checkpoints(folder / CHECKPOINTS), held)
    raise typer.Exit(0 if is_whole else 1)
