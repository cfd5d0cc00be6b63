"""Commands as their users run them."""

import os
import subprocess

from tests.fix_postgres import TOLD
from tests.fix_server import ORDERTRAIL


def ordertrail(*arguments: object, typed: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with no settings in its environment but these, and what all are told."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ORDERTRAIL_")}
    command = [str(ORDERTRAIL), *map(str, arguments)]
    return subprocess.run(
        command,
        env={**inherited, **TOLD, **environment},
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_says(result: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """Assert that a command failed with one line that holds these words."""
    assert result.returncode == status, result.stderr
    assert result.stderr.startswith("ordertrail: "), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr
