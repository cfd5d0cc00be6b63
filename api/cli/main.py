"""The command line: ordertrail serve, migrate, tenant, key, link, replay, rebuild, verify, repair, export, import …"""

import gc
import signal
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

MODULES = {
    "serve": "api.cli.commands.serve",
    "migrate": "api.cli.commands.migrate",
    "distribute": "api.cli.commands.distribute",
    "tenant": "api.cli.commands.tenant",
    "key": "api.cli.commands.key",
    "link": "api.cli.commands.link",
    "replay": "api.cli.commands.replay",
    "rebuild": "api.cli.commands.rebuild",
    "verify": "api.cli.commands.verify",
    "repair": "api.cli.commands.repair",
    "export": "api.cli.commands.export",
    "import": "api.cli.commands.import_",
    "load": "api.cli.commands.load",
    "forget": "api.cli.commands.forget",
    "consume": "api.cli.commands.consume",
    "backup": "api.cli.commands.backup",
    "restore": "api.cli.commands.restore",
    "doctor": "api.cli.commands.doctor",
    "healthcheck": "api.cli.commands.healthcheck",
    "demo": "api.cli.commands.demo",
}


class _Commands(Mapping[str, Any]):
    """The commands. Each is imported when it is called, since the others do not need its modules."""

    def __getitem__(self, name: str) -> Any:
        # The imported objects stay. Searching them for garbage would take a fifth of the time, and more time later.
        gc.disable()
        try:
            module = import_module(MODULES[name])
            gc.freeze()
        finally:
            gc.enable()
        command = typer.main.get_command(module.app)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class _Group(TyperGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": _Commands()})


app = typer.Typer(
    cls=_Group,
    help="The place where everything that happens to an order is kept.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        # Imported only when it is needed, as commands are.
        typer.echo(f"ordertrail {import_module('api.cli.version').release()}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print which release this is.")
    ] = False,
) -> None:
    """End in good order on a signal. The last user of our own PostgreSQL stops it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # nohup makes us ignore SIGHUP.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    # A closing terminal may send its signal twice, and the second one must not interrupt the end.
    signal.signal(number, lambda _number, _frame: None)
    sys.exit(128 + number)
