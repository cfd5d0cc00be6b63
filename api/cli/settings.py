"""What all commands share: their settings, and how they report errors."""

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from api.cli.terminal.durations import InvalidOption
from api.server.observation.logs import set_up_logging
from api.settings import Settings, read_settings
from application.transparency.note import CannotCheck
from domain.errors import KeyHasEnded, KeyNotFound, Misconfigured, OrdertrailError, TenantNotFound, Unproven

T = TypeVar("T")

Dsn = Annotated[str | None, typer.Option(help="A PostgreSQL 15 or later; without it, one of our own is run.")]
DataDir = Annotated[Path | None, typer.Option(help="Where our own PostgreSQL keeps its files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def plain_errors(*, status: int = 1) -> Iterator[None]:
    """Print an error in one line, and end with this status, or with 2 if the error is in the arguments or the setup."""
    try:
        yield
    except Misconfigured as error:
        print(f"ordertrail: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
    except OrdertrailError as error:
        print(f"ordertrail: {error}{_hint(error)}", file=sys.stderr)
        raise typer.Exit(2 if isinstance(error, InvalidOption | CannotCheck) else status) from error
    except ValidationError as error:
        for fault in faults_of(error):
            print(f"ordertrail: {fault}", file=sys.stderr)
        raise typer.Exit(2) from error


def faults_of(error: ValidationError) -> list[str]:
    """Return what is wrong with the settings, by the names of their variables."""
    return [
        f"ORDERTRAIL_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]


def _hint(error: OrdertrailError) -> str:
    """Return the command that helps, if there is one."""
    match error:
        case TenantNotFound(tenant=tenant):
            return f"; create it with: ordertrail tenant create {tenant}"
        case KeyNotFound():
            return "; see which there are with: ordertrail key list"
        case KeyHasEnded(tenant=tenant):
            return f"; create another with: ordertrail key create --tenant {tenant}"
        case Unproven():
            return "; see what is wrong with: ordertrail verify"
        case _:
            return ""


def settings_with(**given: Any) -> Settings:
    """Return the settings, and set up logging accordingly."""
    settings = read_settings(**given)
    set_up_logging(settings)
    return settings


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result."""
    return asyncio.run(coroutine)


def print_json(document: Any) -> None:
    """Print one document for machines."""
    print(json.dumps(to_jsonable_python(document)))
