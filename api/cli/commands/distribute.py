"""`ordertrail distribute`."""

import typer

from api.bootstrap import open_database
from api.cli.settings import DataDir, Dsn, plain_errors, settings_with
from api.cli.terminal.progress import progress

app = typer.Typer(add_completion=False)


@app.command()
def distribute(dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Spread an installation over the nodes of its Citus cluster, each tenant on one node.

    Stop the service first: while a table is moved, nobody can write to it. After an interruption, run it again.
    """
    with plain_errors(), progress() as begin:
        settings = settings_with(dsn=dsn, data_dir=data_dir)
        with open_database(settings, tell=print, distributing=begin("Tables")):
            print("The tenants are distributed over the nodes.")
