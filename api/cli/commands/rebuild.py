"""`ordertrail rebuild`."""

from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli import views
from api.cli.settings import DataDir, Dsn, plain_errors, run, settings_with

app = typer.Typer(add_completion=False)


@app.command()
def rebuild(
    view: Annotated[list[str] | None, typer.Argument(help="Which views; all, if none is named.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Derive views anew from the ledger, while appends go on and readers see the old ones."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(views.rebuild(database, view or (), tenant))
