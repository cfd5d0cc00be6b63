"""`ordertrail verify`."""

from pathlib import Path
from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli import ledgers, views
from api.cli.commands.import_ import Keys
from api.cli.files import ledger_files
from api.cli.files.ledger_files import Verdict
from api.cli.files.trusted_keys import held_checkpoint
from api.cli.settings import DataDir, Dsn, plain_errors, run, settings_with

app = typer.Typer(add_completion=False)


@app.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="Check only this file, which is an export or a receipt."),
    ] = None,
    key: Keys = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="A checkpoint that you hold; the ledger has to continue it."),
    ] = None,
    opens_all: Annotated[
        bool, typer.Option("--open", help="Also open all that is encrypted in events, and what was said in calls.")
    ] = False,
    check_views: Annotated[bool, typer.Option("--views", help="Compare every view with its ledger instead.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Prove that what is stored is what was recorded.

    The exit status is 0 if it is, 1 if it is not, and 2 if this could not be checked: Ordertrail did not write the
    file, the file was cut off, the key belongs to another ledger, or the database is away.

    Ledgers are computed again as Merkle trees and compared with every signed checkpoint.
    """
    if file is not None and (check_views or tenant):
        raise typer.BadParameter("is checked without a database: leave out --tenant and --views", param_hint="FILE")
    if (key or checkpoint) and (check_views or not (file or tenant)):
        raise typer.BadParameter("need a FILE, or one --tenant", param_hint="--key, --checkpoint")
    if opens_all and (check_views or file is not None):
        raise typer.BadParameter("needs ledgers in a database: leave out FILE and --views", param_hint="--open")
    with plain_errors(status=Verdict.NOT_CHECKED):
        held = [held_checkpoint(path) for path in checkpoint or ()]
        if file is not None:
            verdict = ledger_files.verify_file(file, key or (), held)
        else:
            settings = settings_with(dsn=dsn, data_dir=data_dir)
            with open_database(settings) as database:
                found = (
                    views.verify_views(database, tenant)
                    if check_views
                    else ledgers.verify_ledgers(
                        database,
                        tenant,
                        key or (),
                        held,
                        opens_all=opens_all,
                        bodies_url=settings.bodies_url,
                    )
                )
                verdict = Verdict.WHOLE if run(found) else Verdict.DAMAGED
        raise typer.Exit(verdict)
