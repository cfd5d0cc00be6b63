"""`ordertrail tenant create | list | show | delete | retain`."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli import maintenance
from api.cli.settings import AsJson, DataDir, Dsn, plain_errors, print_json, run, settings_with
from api.cli.tenancy import deletion, tenants
from domain.values import TenantName

app = typer.Typer(help="Tenants.", no_args_is_help=True, add_completion=False)


@app.command("create")
def create_tenant(
    name: Annotated[str, typer.Argument(help="Letters, digits, - and _.")],
    implicit: Annotated[bool, typer.Option(help="Let orders and integrations begin with their first event.")] = False,
    dintero_account: Annotated[
        str | None, typer.Option(help="The tenant's Dintero account, such as T12345678.")
    ] = None,
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Create a tenant: a customer of the store, with a ledger of its own."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(maintenance.create_tenant(database, name, is_implicit=implicit, dintero_account=dintero_account))
        if as_json:
            print_json(tenants.tenant_document(run(tenants.show_tenant(database, name))))
        else:
            print(f"Tenant {name} was created. Give it a credential with: ordertrail key create --tenant {name}")


@app.command("list")
def list_tenants(as_json: AsJson = False, dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """List the tenants by name."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        found = run(tenants.list_tenants(database))
        if as_json:
            print_json({"items": [tenants.tenant_document(tenant) for tenant in found]})
        else:
            print(tenants.tenants_table(found))


@app.command("show")
def show_tenant(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Show a tenant's settings, the number of its usable credentials, and how far its ledger has got."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        found = run(tenants.show_tenant(database, name))
        if as_json:
            print_json(tenants.tenant_document(found))
        else:
            print(tenants.tenant_text(found))


@app.command("delete")
def delete_tenant(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    export: Annotated[
        Path | None, typer.Option(help="The file of the last export. Default: NAME.ndjson.zst in this folder.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Export a tenant's ledger for the last time, and delete everything of the tenant for good.

    The file proves what the ledger was. Personal data in it cannot be read any more: its keys are deleted.
    """
    file = export or Path(f"{name}.ndjson.zst")
    with plain_errors():
        settings = settings_with(dsn=dsn, data_dir=data_dir)
        with open_database(settings) as database:
            deletion.require_new(file)
            events = run(deletion.events_of(database, TenantName(name)))
            asked = f"{events} events are deleted for good. Type the tenant's name to go on"
            if not yes and typer.prompt(asked, err=True) != name:
                raise deletion.NotConfirmed
            with redirect_stdout(sys.stderr if as_json else sys.stdout):
                deleted = deletion.delete_tenant(database, TenantName(name), file, bodies_url=settings.bodies_url)
                count = run(deleted)
        if as_json:
            print_json({"tenant": name, "events": count, "export": str(file)})
        else:
            print(f"Tenant {name} with {count} events is deleted. Keep {file}: it proves what the ledger was.")


@app.command("retain")
def retain(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    days: Annotated[
        int | None, typer.Option(min=0, max=36_500, help="For so many days; for ever, if left out.")
    ] = None,
    as_json: AsJson = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Set how long the bodies of logged calls are kept. Older ones are deleted; the calls themselves stay in the
    ledger.
    """
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(maintenance.retain(database, name, days))
        if as_json:
            print_json(tenants.tenant_document(run(tenants.show_tenant(database, name))))
        else:
            kept = "for ever" if days is None else f"for {days} days"
            print(f"What is said in calls of tenant {name} is kept {kept}.")
