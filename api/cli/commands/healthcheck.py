"""`ordertrail healthcheck`."""

import sys
from typing import Annotated

import typer

from api.cli.health import ask
from api.cli.settings import plain_errors
from api.settings import read_settings

app = typer.Typer(add_completion=False)


@app.command()
def healthcheck(
    url: Annotated[
        str | None, typer.Option(help="The server. Default: this machine, at the port of ORDERTRAIL_PORT.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=60, help="How many seconds it has to answer.")] = 5.0,
) -> None:
    """Ask a running server whether it is ready, as containers do: exit status 0 if it is, 1 if not."""
    with plain_errors():
        answer = ask(url, read_settings(), seconds=timeout)
    print(answer.says, file=sys.stdout if answer.is_ready else sys.stderr)
    raise typer.Exit(0 if answer.is_ready else 1)
