"""The command line: ordertrail serve, migrate, tenant, key, replay, rebuild, verify, export, import, forget, demo."""

import json
import re
import signal
import sys
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from api import file_commands, forgetting, ledger_files, ledgers, maintenance, server, views
from api.bootstrap import database_care, open_database
from api.commands import DataDir, Dsn, plain_errors, run, settings_with
from api.replay import Form, print_events, print_orders
from application.history import Clock
from application.replay import Bound
from domain.values import Moment, TenantName

_POSITION = re.compile(r"[0-9]{1,18}")

app = typer.Typer(
    help="The place where everything that happens to an order is kept.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tenant_app = typer.Typer(help="Tenants.", no_args_is_help=True)
key_app = typer.Typer(help="Credentials.", no_args_is_help=True)
app.add_typer(tenant_app, name="tenant")
app.add_typer(key_app, name="key")
app.command("export")(file_commands.export)
app.command("import")(file_commands.import_)

Host = Annotated[str | None, typer.Option(help="The address to listen on.")]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="The port to listen on; 0 takes any free one.")]


@app.callback()
def _main() -> None:
    """End in good order when told to: our own PostgreSQL is stopped by whoever is the last to use it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # nohup has us ignore SIGHUP.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    # A terminal that is closed may say so twice, which must not interrupt the end.
    signal.signal(number, lambda _number, _frame: None)
    sys.exit(128 + number)


def _bound(option: str, text: str | None) -> Bound | None:
    """Return the position or the instant that an option names. Raises BadParameter."""
    if text is None:
        return None
    return int(text) if _POSITION.fullmatch(text) else _instant(option, text)


def _instant(option: str, text: str) -> datetime:
    """Return the instant that an option names. Raises BadParameter."""
    try:
        instant: datetime = TypeAdapter(Moment).validate_python(text)
    except ValidationError as error:
        what = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise typer.BadParameter(f"{text!r} {what}", param_hint=option) from error
    return instant


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="How many processes answer requests.")] = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Run the HTTP interfaces and the projector, until Ctrl-C."""
    with plain_errors():
        settings = settings_with(host=host, port=port, workers=workers, dsn=dsn, data_dir=data_dir)
        with server.listening(settings.host, settings.port) as listener, open_database(settings) as database:
            server.serve(
                database,
                listener,
                workers=settings.workers,
                look_after=database_care(settings),
                on_ready=lambda url: print(f"Ordertrail is at {url}, its interfaces at {url}/docs", flush=True),
            )


@app.command()
def migrate(dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Bring the database to the present schema. `serve` does it too."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)):
        print("The database has the present schema.")


@tenant_app.command("create")
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


@tenant_app.command("retain")
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


@key_app.command("create")
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


@app.command()
def replay(  # noqa: PLR0913 its options
    tenant: Annotated[str, typer.Option(help="Whose ledger.")],
    order: Annotated[str | None, typer.Option(help="Only this order, by its id or its reference.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first position, or a time of recording.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last position, or a time of recording.")] = None,
    at: Annotated[str | None, typer.Option(help="Print what the orders were at this time, instead of events.")] = None,
    clock: Annotated[Clock | None, typer.Option(help="With --at: by whose clock; recorded if left out.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print.")] = Form.TEXT,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Print the events of a ledger or of an order, or what they had made of it by some time."""
    bounds = {"first": _bound("--from", first), "last": _bound("--to", last)}
    if at is not None and any(bounds.values()):
        raise typer.BadParameter("prints orders; --from and --to choose events", param_hint="--at")
    if at is None and clock is not None:
        raise typer.BadParameter("is the clock of --at, which is missing", param_hint="--clock")
    instant = None if at is None else _instant("--at", at)
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        name = TenantName(tenant)
        if instant is None:
            run(print_events(database, name, order, **bounds, form=form))
        else:
            run(print_orders(database, name, order, at=instant, clock=clock or "recorded", form=form))


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


@app.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="Check this file, of export or of a receipt, and nothing else."
        ),
    ] = None,
    key: file_commands.Keys = None,
    checkpoint: file_commands.Held = None,
    check_views: Annotated[bool, typer.Option("--views", help="Compare every view with its ledger instead.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Prove that what is stored is what was recorded; end with status 1 if it is not.

    Ledgers are computed again as Merkle trees and compared with every checkpoint that was signed.
    """
    if file is not None and (check_views or tenant):
        raise typer.BadParameter("is checked for itself: it needs no database, and no --tenant", param_hint="FILE")
    if file is None and (key or checkpoint):
        raise typer.BadParameter("are for a FILE, which is missing", param_hint="--key, --checkpoint")
    held = None if checkpoint is None else checkpoint.read_text(encoding="utf-8", errors="replace")
    check = views.verify_views if check_views else ledgers.verify_ledgers
    with plain_errors():
        if file is not None:
            is_whole = ledger_files.verify_file(file, key or (), held)
        else:
            with open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
                is_whole = run(check(database, tenant))
        if not is_whole:
            raise typer.Exit(1)


@key_app.command("rotate-signing")
def rotate_signing(dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Add a key that checkpoints are signed with from now on, beside the present one."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(ledgers.rotate_signing_key(database))


@key_app.command("retire-signing")
def retire_signing(dsn: Dsn = None, data_dir: DataDir = None) -> None:
    """Sign no more with any key but the newest; what was signed stays verifiable."""
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        run(ledgers.retire_signing_keys(database))


@app.command()
def forget(
    tenant: Annotated[str, typer.Option(help="Whose ledger.")],
    order: Annotated[list[str] | None, typer.Option(help="An order, by its id or its reference.")] = None,
    person: Annotated[list[str] | None, typer.Option(help="Who made events happen, by the actor's id.")] = None,
    integration: Annotated[list[int] | None, typer.Option(help="What was said in an integration's calls.")] = None,
    by: Annotated[str, typer.Option(help="Who asks: an id, which is kept. Default: who is logged in.")] = "",
    yes: Annotated[bool, typer.Option(help="Do not ask first.")] = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Erase for good what is personal of orders, people and integrations: their keys are destroyed."""
    subjects = forgetting.Subjects(order or [], person or [], integration or [])
    if not any(subjects):
        raise typer.BadParameter("says whom to forget, and is missing", param_hint="--order, --person, --integration")
    with plain_errors():
        if not yes:
            typer.confirm("This cannot be undone. Forget them?", abort=True, err=True)
        settings = settings_with(dsn=dsn, data_dir=data_dir)
        with open_database(settings) as database:
            run(forgetting.forget(database, tenant, subjects, by=by, contents_url=settings.contents_url))


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Serve, load a realistic example over HTTP, show how to look at it, and go on serving."""
    from api.demo import example  # noqa: PLC0415 its data is of no use to the other commands

    with plain_errors():
        settings = settings_with(host=host, port=port, dsn=dsn, data_dir=data_dir)
        with server.listening(settings.host, settings.port) as listener, open_database(settings) as database:
            key = run(maintenance.demo_key(database))
            place = "your database" if settings.dsn else str(settings.data_dir)
            server.serve(
                database,
                listener,
                workers=1,
                look_after=database_care(settings),
                on_ready=lambda url: example.show(url, key, place),
            )
