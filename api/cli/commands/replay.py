"""`ordertrail replay`."""

import re
from datetime import datetime
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from api.bootstrap import open_database
from api.cli.replay import Form, print_events, print_orders
from api.cli.settings import DataDir, Dsn, plain_errors, run, settings_with
from application.ledger.replay import Bound
from application.views.history import Clock
from domain.values import Moment, TenantName

_POSITION = re.compile(r"[0-9]{1,18}")

app = typer.Typer(add_completion=False)


@app.command()
def replay(  # noqa: PLR0913 its options
    tenant: Annotated[str, typer.Option(help="The tenant of the ledger.")],
    order: Annotated[str | None, typer.Option(help="Only this order, by its id or its reference.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first position, or a time of recording.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last position, or a time of recording.")] = None,
    at: Annotated[str | None, typer.Option(help="Print what the orders were at this time, instead of events.")] = None,
    clock: Annotated[Clock | None, typer.Option(help="With --at: the clock that counts; recorded if left out.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print.")] = Form.TEXT,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Print the events of a ledger or of an order, or the states of its orders at some time."""
    bounds = {"first": _bound("--from", first), "last": _bound("--to", last)}
    if at is not None and any(bounds.values()):
        raise typer.BadParameter("prints orders; --from and --to choose events", param_hint="--at")
    if at is None and clock is not None:
        raise typer.BadParameter("needs --at, which is missing", param_hint="--clock")
    instant = None if at is None else _instant("--at", at)
    with plain_errors(), open_database(settings_with(dsn=dsn, data_dir=data_dir)) as database:
        name = TenantName(tenant)
        if instant is None:
            run(print_events(database, name, order, **bounds, form=form))
        else:
            run(print_orders(database, name, order, at=instant, clock=clock or "recorded", form=form))


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
