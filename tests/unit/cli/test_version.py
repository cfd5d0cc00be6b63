"""Which release this is."""

import tomllib
from importlib.metadata import PackageNotFoundError, version

import pytest

from api.cli.version import release
from tests.paths import ROOT

PROJECT = ROOT / "pyproject.toml"


def test_the_release_is_the_version_of_the_distribution() -> None:
    assert release() == version("ordertrail")


def test_a_checkout_that_nobody_installed_knows_its_release(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("api.cli.version.version", not_installed)

    assert release() == tomllib.loads(PROJECT.read_text())["project"]["version"]
