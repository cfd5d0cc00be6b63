"""The release of this program."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DISTRIBUTION = "ordertrail"


def release() -> str:
    """Return the version of the distribution, or a fixed text in a source checkout that is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        project = Path(__file__).parents[2] / "pyproject.toml"
        number: str = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
        return number
