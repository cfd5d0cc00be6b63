"""The commands that write and read files: export and import."""

from pathlib import Path
from typing import Annotated

import typer

from api import ledger_files
from api.bootstrap import open_database
from api.commands import DataDir, Dsn, plain_errors, run, settings_with
from domain.values import TenantName

Keys = Annotated[list[str] | None, typer.Option("--key", help="A public key that has to have signed the file.")]
Held = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint", exists=True, dir_okay=False, help="A checkpoint that you hold; the ledger has to continue it."
    ),
]
ExistingFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file.")]


def export(
    file: Annotated[Path, typer.Argument(help="The file to make, such as acme.ndjson.zst.")],
    tenant: Annotated[str, typer.Option(help="Whose ledger.")],
    order: Annotated[str | None, typer.Option(help="Only this order, by its id or its reference.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Do not compress, as for names in .ndjson or .json.")] = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Write a ledger, or an order, to a file that anybody can verify: events as they are stored, with what was signed.

    What is encrypted in them stays so, and its keys are left out.
    """
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        if order is None:
            run(ledger_files.export_ledger(database, TenantName(tenant), file, plain=plain))
        else:
            run(ledger_files.export_order(database, TenantName(tenant), order, file, plain=plain))


def import_(file: ExistingFile, key: Keys = None, dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Import an exported ledger into an empty one of the same name, or go on where an import was interrupted.

    Positions, versions, ids and times stay as they are. A file that is damaged is refused before anything is stored.
    """
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(ledger_files.import_ledger(database, file, key or ()))
