"""Those who observe the requests of a worker, as far as the settings ask for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from api.http.exchange import Observe
from api.http.observation import access_log
from api.http.observation.measured import REQUESTS
from api.server.observation.spans import exporting_spans
from api.settings import Settings


@contextmanager
def observing(settings: Settings) -> Iterator[Observe]:
    """Yield what each request is told to when it was answered. Raises Misconfigured."""
    others: list[Observe] = [access_log.log] if settings.access_log else []
    if settings.otlp_endpoint is None:
        yield _all([REQUESTS.observe, *others])
        return
    with exporting_spans(settings.otlp_endpoint) as record:
        yield _all([REQUESTS.observe, *others, record])


def _all(observers: list[Observe]) -> Observe:
    if len(observers) == 1:
        return observers[0]

    def observe(scope: Mapping[str, Any], status: int, seconds: float) -> None:
        for each in observers:
            each(scope, status, seconds)

    return observe
