"""Fixtures come by subject, from the modules tests/fix_*.py."""

from pathlib import Path

pytest_plugins = [f"tests.{module.stem}" for module in sorted(Path(__file__).parent.glob("fix_*.py"))]
