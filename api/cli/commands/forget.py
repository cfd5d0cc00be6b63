"""`ordertrail forget`."""

from typing import Annotated

import typer

from api.bootstrap import open_database
from api.cli.settings import DataDir, Dsn, plain_errors, run, settings_with
from api.cli.tenancy import forgetting

app = typer.Typer(add_completion=False)


@app.command()
def forget(
    tenant: Annotated[str, typer.Option(help="The tenant of the ledger.")],
    order: Annotated[list[str] | None, typer.Option(help="An order, by its id or its reference.")] = None,
    person: Annotated[
        list[str] | None, typer.Option(help="A person who made events happen, by the actor's id.")
    ] = None,
    integration: Annotated[list[int] | None, typer.Option(help="What was said in an integration's calls.")] = None,
    by: Annotated[str, typer.Option(help="Who asks: an id, which is kept. Default: who is logged in.")] = "",
    yes: Annotated[bool, typer.Option(help="Do not ask first.")] = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Erase the personal data of orders, people and integrations for good, by destroying its keys."""
    subjects = forgetting.Subjects(order or [], person or [], integration or [])
    if not any(subjects) or "" in {*subjects.orders, *subjects.people}:
        raise typer.BadParameter(
            "name whom to forget: give at least one of them, and not empty",
            param_hint="--order, --person, --integration",
        )
    with plain_errors():
        if not yes:
            typer.confirm("This cannot be undone. Forget them?", abort=True, err=True)
        settings = settings_with(dsn=dsn, data_dir=data_dir)
        with open_database(settings) as database:
            run(forgetting.forget(database, tenant, subjects, by=by, bodies_url=settings.bodies_url))
