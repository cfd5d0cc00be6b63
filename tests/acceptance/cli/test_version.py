"""`ordertrail --version`."""

from importlib.metadata import version
from pathlib import Path

from tests.commands import ordertrail


def test_the_version_is_that_of_the_distribution() -> None:
    result = ordertrail("--version")

    assert (result.returncode, result.stdout, result.stderr) == (0, f"ordertrail {version('ordertrail')}\n", "")


def test_the_version_needs_neither_a_database_nor_valid_settings(tmp_path: Path) -> None:
    result = ordertrail("--version", ORDERTRAIL_PORT="none", ORDERTRAIL_DATA_DIR=str(tmp_path / "none"))

    assert result.returncode == 0
    assert list(tmp_path.iterdir()) == []
