"""The list of licences is that of what is installed."""

import sys

import pytest

from tests import licences

COPYLEFT = ("GPL", "EUPL", "CDDL", "SSPL", "BUSL")


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the page is that of Python 3.11, which needs more packages"
)
def test_the_page_says_what_is_installed() -> None:
    assert licences.PAGE.read_text() == licences.page(), "run: make licences"


def test_every_package_says_its_licence_and_none_asks_for_ours() -> None:
    rows = [row.split(" | ") for row in licences.page().splitlines() if row.startswith("| `")]

    assert len(rows) > 40
    for package, licence, *_ in rows:
        assert licence.strip(), package
        assert licence.startswith("LGPL") or not any(name in licence for name in COPYLEFT), (package, licence)
