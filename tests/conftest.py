"""Fixtures come by subject, from the modules fix_*.py: those of a vendor's clients are beside their tests."""

import signal

from hypothesis import settings

from tests.paths import ROOT

_MODULES = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / "tests").rglob("fix_*.py"))]
# pytest has to be the first to import each: those of a vendor import those of all, and those of every interface both.
_MODULES.sort(key=lambda module: (len(module.parts), "every_interface" in module.parts))
pytest_plugins = [".".join(module.parts) for module in _MODULES]

# Whatever the shell does that runs the tests in its background: what they start can be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines are noisy: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
