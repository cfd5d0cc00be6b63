"""`ordertrail export`."""

from pathlib import Path
from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli.files import ledger_files
from api.cli.settings import DataDir, Dsn, plain_errors, run, settings_with
from domain.values import TenantName

app = typer.Typer(add_completion=False)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The file to make, such as acme.ndjson.zst.")],
    tenant: Annotated[str, typer.Option(help="The tenant of the ledger.")],
    order: Annotated[str | None, typer.Option(help="Only this order, by its id or its reference.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Do not compress, as for names in .ndjson or .json.")] = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Write a ledger, or an order, to a file that anybody can verify: events as they are stored, with their signatures.

    Encrypted data stays encrypted, and its keys are left out.
    """
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        if order is None:
            run(ledger_files.export_ledger(database, TenantName(tenant), file, plain=plain))
        else:
            run(ledger_files.export_order(database, TenantName(tenant), order, file, plain=plain))
