"""The access log: a line for each answered request, without its query."""

import logging
from collections.abc import Mapping
from typing import Any

NAME = __name__
_log = logging.getLogger(NAME)


def log(scope: Mapping[str, Any], status: int, seconds: float) -> None:
    """Log an answered request."""
    route = scope.get("route")
    told = {
        "method": scope["method"],
        "path": scope["raw_path"].decode("ascii", "replace"),
        "route": "" if route is None else route.path,
        "status": status,
        "seconds": round(seconds, 6),
        "client": scope["client"][0] if scope.get("client") else "",
    }
    _log.info("%s %s %d in %.1f ms", told["method"], told["path"], status, 1_000 * seconds, extra=told)
