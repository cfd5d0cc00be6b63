"""Logging: one line an entry, to standard error."""

import logging


def set_up_logging(level: str) -> None:
    """Log our own messages from this level on, and libraries' warnings."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    for package in ("api", "application", "infrastructure"):
        logging.getLogger(package).setLevel(level.upper())
