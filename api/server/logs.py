"""Logging: one line per entry, to standard error."""

import logging
from multiprocessing import current_process, parent_process


def set_up_logging(level: str) -> None:
    """Log our own messages from this level on, and libraries' warnings. Each line names its process."""
    process = "ordertrail" if parent_process() is None else current_process().name
    log_format = f"%(asctime)s %(levelname)s {process}[%(process)d] %(name)s: %(message)s"
    # A forked process has its parent's handlers.
    logging.basicConfig(format=log_format, level=logging.WARNING, force=True)
    # psycopg also raises what it warns of, and we log that with its reason.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    for package in ("api", "application", "infrastructure"):
        logging.getLogger(package).setLevel(level.upper())
