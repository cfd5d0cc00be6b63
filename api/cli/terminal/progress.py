"""Progress of long work, on the terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from application.views.upkeep.rebuild import Show


@contextmanager
def progress(*, prints_much: bool = False) -> Iterator[Callable[[str], Show]]:
    """Yield a function that begins a progress bar with a name, and returns a function that moves it.

    Nothing is shown unless standard error is a terminal. If much is printed to the same terminal, nothing is shown
    either.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    is_hidden = not console.is_terminal or (prints_much and sys.stdout.isatty())
    with Progress(*columns, console=console, disable=is_hidden, redirect_stdout=sys.stdout.isatty()) as bars:

        def begin(name: str) -> Show:
            task = bars.add_task(name, total=None)
            return lambda completed, total: bars.update(task, completed=completed, total=total)

        yield begin
