"""`ordertrail migrate`."""

import typer

from api.bootstrap import open_database
from api.command import DataDir, Dsn, plain_errors, settings_with

app = typer.Typer(add_completion=False)


@app.command()
def migrate(dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Bring the database to the present schema. `serve` does it too."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)):
        print("The database has the present schema.")
