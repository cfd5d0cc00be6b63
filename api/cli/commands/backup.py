"""`ordertrail backup`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.recovery.backing_up import back_up
from api.cli.settings import DataDir, Dsn, plain_errors, settings_with

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of all backups, on another disk.")],
    keep: Annotated[int | None, typer.Option(min=1, help="Remove all backups but so many of the newest.")] = None,
    only_erasures: Annotated[
        bool, typer.Option("--only-erasures", help="Write down erasures and checkpoints, and copy nothing.")
    ] = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Copy the embedded database while it runs, and have its log kept beside the copy from now on.

    Of a PostgreSQL of your own, only what a restore needs besides is written: whose data was erased, and the newest
    checkpoints.
    """
    with plain_errors():
        back_up(folder, settings_with(dsn=dsn, data_dir=data_dir), keep=keep, only_lists=only_erasures)
