"""Logging: one line per entry, to standard error, for people or as JSON."""

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from multiprocessing import current_process, parent_process
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.types import Processor

from api.http.observation.access_log import NAME as ACCESS
from api.server.observation.log_secrets import without_secrets
from api.settings import Settings
from application.runtime.request_context import current

Entry = MutableMapping[str, Any]
_FIRST = ("time", "level", "process", "pid", "logger", "request_id", "message")
_CHAIN: Sequence[Processor] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,
)


def set_up_logging(settings: Settings) -> None:
    """Log our own messages from a level on, and libraries' warnings. Each line names its process and its request."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(_json if settings.log_format == "json" else _text))
    # A forked process has its parent's handlers.
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # psycopg also raises what it warns of, and we log that with its reason.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    for package in ("api", "application", "infrastructure"):
        logging.getLogger(package).setLevel(settings.log_level.upper())
    logging.getLogger(ACCESS).setLevel(logging.INFO if settings.access_log else logging.CRITICAL)


class _Formatter(ProcessorFormatter):
    """Formats entries of the standard library's loggers, and masks secrets in the whole line."""

    def __init__(self, render: Processor) -> None:
        chain = [*_CHAIN, _where]
        super().__init__(foreign_pre_chain=chain, processors=[ProcessorFormatter.remove_processors_meta, render])

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def _where(_logger: object, _method: str, entry: Entry) -> Entry:
    """Say which process it was, and which request it did it for."""
    entry["message"] = entry.pop("event")
    entry["process"] = "ordertrail" if parent_process() is None else current_process().name
    entry["pid"] = current_process().pid
    if (request := current.get()) is not None:
        entry["request_id"] = request.id
    return entry


def _json(logger: object, method: str, entry: Entry) -> str:
    first = {name: entry[name] for name in _FIRST if name in entry}
    return str(structlog.processors.JSONRenderer(ensure_ascii=False)(logger, method, {**first, **entry}))


def _text(_logger: object, _method: str, entry: Mapping[str, Any]) -> str:
    request = f" [{entry['request_id']}]" if "request_id" in entry else ""
    trace = f"\n{entry['exception']}" if "exception" in entry else ""
    who = f"{entry['process']}[{entry['pid']}] {entry['logger']}{request}"
    return f"{entry['time']} {entry['level'].upper()} {who}: {entry['message']}{trace}"
