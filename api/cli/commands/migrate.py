"""`ordertrail migrate`."""

from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli.settings import DataDir, Dsn, plain_errors, settings_with
from api.cli.terminal.progress import progress

app = typer.Typer(add_completion=False)


@app.command()
def migrate(
    dsn: Dsn = None,
    data_dir: DataDir = None,
    distributed: Annotated[
        bool, typer.Option("--distributed", help="Keep each tenant on one node of the Citus cluster.")
    ] = False,
) -> None:
    """Bring the database to the present schema, and the runtime role to its rights. `serve` does it too.

    Run it after a dump was restored.
    """
    with plain_errors(), progress() as begin:
        settings = settings_with(dsn=dsn, data_dir=data_dir)
        distributing = begin("Tables") if distributed else None
        with open_database(settings, tell=print, distributing=distributing):
            print("The database has the present schema.")
