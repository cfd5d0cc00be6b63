"""Fixtures come by subject, from the modules fix_*.py: those of a vendor's clients are beside their tests."""

import signal

import pytest
from hypothesis import settings

from tests.cluster import COORDINATOR
from tests.paths import ROOT

_MODULES = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / "tests").rglob("fix_*.py"))]
# pytest has to be the first to import each: those of a vendor import those of all, and those of every interface both.
_MODULES.sort(key=lambda module: (len(module.parts), "every_interface" in module.parts))
pytest_plugins = [".".join(module.parts) for module in _MODULES]

# Whatever the shell does that runs the tests in its background: what they start can be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Machines are noisy: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a cluster where there is none, and what needs one server on a cluster."""
    for item in items:
        if COORDINATOR is None and item.get_closest_marker("citus"):
            item.add_marker(
                pytest.mark.skip("it needs a Citus cluster: name its coordinator in ORDERTRAIL_TEST_CITUS_DSN")
            )
        if COORDINATOR is not None and (mark := item.get_closest_marker("one_server")):
            item.add_marker(pytest.mark.skip(f"it needs one server: {mark.args[0]}"))
