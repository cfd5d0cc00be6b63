"""`ordertrail repair tiles`."""

from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli import ledgers
from api.cli.settings import AsJson, DataDir, Dsn, plain_errors, print_json, run, settings_with

app = typer.Typer(help="Put right what can be derived again.", no_args_is_help=True, add_completion=False)


@app.callback()
def _repair() -> None:
    """Repair what can be derived again."""


@app.command("tiles")
def repair_tiles(
    tenant: Annotated[str, typer.Option(help="The tenant of the ledger.")],
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Derive the tiles of a ledger's tree again from its events, and let sealing go on.

    Nothing is changed unless the events match every signed checkpoint. You need the rights of the database's owner.
    Appends go on meanwhile.
    """
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        repaired = run(ledgers.repair_tiles(database, tenant))
        if as_json:
            print_json({"tenant": tenant, **repaired._asdict()})
        else:
            print(f"{tenant}: {ledgers.repair_text(repaired)}")
