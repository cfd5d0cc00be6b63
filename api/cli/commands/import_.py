"""`ordertrail import`."""

from pathlib import Path
from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli.files import ledger_files
from api.cli.settings import DataDir, Dsn, plain_errors, run, settings_with

app = typer.Typer(add_completion=False)

Keys = Annotated[
    list[str] | None, typer.Option("--key", help="A public key; one of those given has to have signed it.")
]


@app.command()
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file.")],
    key: Keys = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Import an exported ledger into an empty one of the same name, or resume an interrupted import.

    Positions, versions, ids and times stay as they are. A damaged file is refused before anything is stored.
    """
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(ledger_files.import_ledger(database, file, key or ()))
