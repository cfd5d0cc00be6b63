"""Every command, and every option, is in the pages for whoever runs the store."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from api.cli.main import app
from application.access.callers import CACHE_SECONDS
from tests.paths import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PAGES = (ROOT / "README.md").read_text() + OPERATIONS


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the commands below one, by the words that call them."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for part in command.commands:
        yield from commands(command.commands[part], f"{name} {part}")


COMMANDS = dict(commands(get_command(app), "ordertrail"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_options_are_documented(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("--")}

    assert re.search(rf"{name}(?![\w-])", PAGES)
    assert {option for option in options if not re.search(rf"{option}(?![\w-])", PAGES)} == set()


def test_every_command_whose_result_is_data_speaks_to_programs() -> None:
    spoken = {name for name, command in COMMANDS.items() if "--json" in {o for p in command.params for o in p.opts}}

    assert spoken == {name for name in COMMANDS if name.split()[1] in {"tenant", "key", "link", "repair", "doctor"}}


def test_the_seconds_within_which_a_credential_ends_are_right() -> None:
    revoking = OPERATIONS.split("**Revoking.**")[1].split("**Rotating.**")[0]

    assert f"after {CACHE_SECONDS:g} seconds" in revoking
