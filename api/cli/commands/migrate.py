"""`ordertrail migrate`."""

import typer

from api.bootstrap import open_database
from api.cli.settings import DataDir, Dsn, plain_errors, settings_with

app = typer.Typer(add_completion=False)


@app.command()
def migrate(dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Bring the database to the present schema, and the runtime role to its rights. `serve` does it too.

    Run it after a dump was restored.
    """
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir), tell=print):
        print("The database has the present schema.")
