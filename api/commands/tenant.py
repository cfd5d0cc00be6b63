"""`ordertrail tenant create | retain`."""

from typing import Annotated

import typer

from api import maintenance
from api.bootstrap import open_database
from api.command import DataDir, Dsn, plain_errors, run, settings_with

app = typer.Typer(help="Tenants.", no_args_is_help=True, add_completion=False)


@app.command("create")
def create_tenant(
    name: Annotated[str, typer.Argument(help="Letters, digits, - and _.")],
    implicit: Annotated[bool, typer.Option(help="Let orders and integrations begin with their first event.")] = False,
    dintero_account: Annotated[
        str | None, typer.Option(help="The tenant's Dintero account, such as T12345678.")
    ] = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Create a tenant: a customer of the store, with a ledger of its own."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(maintenance.create_tenant(database, name, is_implicit=implicit, dintero_account=dintero_account))
        print(f"Tenant {name} was created. Give it a credential with: ordertrail key create --tenant {name}")


@app.command("retain")
def retain(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    days: Annotated[
        int | None, typer.Option(min=0, max=36_500, help="For so many days; for ever, if left out.")
    ] = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Set how long what is said in logged calls is kept. What is older is deleted; that there was a call stays."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(maintenance.retain(database, name, days))
        print(f"What is said in calls of tenant {name} is kept {'for ever' if days is None else f'for {days} days'}.")
