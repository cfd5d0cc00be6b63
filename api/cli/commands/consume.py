"""`ordertrail consume`."""

import shlex
from typing import Annotated

import typer

from api.cli.consuming import Consumption
from api.cli.consuming import consume as consume_with
from api.cli.settings import plain_errors, run

app = typer.Typer(add_completion=False)


@app.command()
def consume(
    name: Annotated[str, typer.Argument(help="The consumer; create it first, with PUT /trail/v1/consumers/NAME.")],
    command: Annotated[
        str, typer.Option("--exec", help="The command; the event is on its standard input and in ORDERTRAIL_EVENT_….")
    ],
    token: Annotated[
        str,
        typer.Option(envvar="ORDERTRAIL_TOKEN", show_envvar=True, help="A credential, ot_…; rather in the variable."),
    ],
    url: Annotated[str, typer.Option(envvar="ORDERTRAIL_URL", help="The server.")] = "http://127.0.0.1:8080",
    delay: Annotated[float, typer.Option(min=0, max=604_800, help="How many seconds an event waits that failed.")] = 30,
    once: Annotated[bool, typer.Option(help="End when there is nothing left.")] = False,
) -> None:
    """Run a command for each event of a consumer, in each order's order, as one of its members.

    The event is handled when the command exits with 0. Otherwise it comes again after a while, and its order waits.
    Run the same command several times to share the work.
    """
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise typer.BadParameter(f"is no command: {error}", param_hint="--exec") from error
    if not arguments:
        raise typer.BadParameter("is empty", param_hint="--exec")
    with plain_errors():
        handled = run(consume_with(Consumption(url, token, name, arguments, delay, is_endless=not once)))
    print(f"{handled} events were handled.")
