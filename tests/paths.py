"""Where things are in the project."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "application", "infrastructure", "api")
