"""`ordertrail key create | rotate-signing | retire-signing`."""

import json
from typing import Annotated

import typer

from api import ledgers, maintenance
from api.bootstrap import open_database
from api.command import DataDir, Dsn, plain_errors, run, settings_with

app = typer.Typer(help="Credentials.", no_args_is_help=True, add_completion=False)


@app.command("create")
def create_key(  # noqa: PLR0913 its options
    tenant: Annotated[str, typer.Option(help="Whose credential it is.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it allows, such as write:orders. Default: admin.")
    ] = None,
    name: Annotated[str, typer.Option(help="Whose name stands beside what it does.")] = "",
    performer_id: Annotated[
        str | None, typer.Option(help="The id of the person it acts for; what it does is theirs then.")
    ] = None,
    performer_name: Annotated[str, typer.Option(help="That person's name.")] = "",
    performer_type: Annotated[str, typer.Option(help="What that person is.")] = "User",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Create a credential. Its secret is shown once."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        performer = maintenance.performer_of(performer_id, performer_name, performer_type)
        scopes = tuple(scope or ["admin"])
        key = run(maintenance.create_key(database, tenant, scopes=scopes, name=name, performer=performer))
        if as_json:
            print(json.dumps(key))
        else:
            print("\n".join(f"{name:<8}{value}" for name, value in {**key, "scopes": " ".join(key["scopes"])}.items()))
            print("The secret and the token are not shown again.")


@app.command("rotate-signing")
def rotate_signing(dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Add a key that checkpoints are signed with from now on, beside the present one."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(ledgers.rotate_signing_key(database))


@app.command("retire-signing")
def retire_signing(dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Sign no more with any key but the newest; what was signed stays verifiable."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(ledgers.retire_signing_keys(database))
