"""The integration log: calls to shops' systems that failed."""

from datetime import datetime
from typing import NamedTuple

from application.views.projections.entries import Entry
from application.views.projections.projection import log
from application.views.projections.view import View
from domain.events.integration import ExceptionLogged


class IntegrationLogRow(NamedTuple):
    """One failed call."""

    integration_id: int
    position: int
    occurred_at: datetime
    exception_type: str | None
    response_code: int | None


INTEGRATION_LOG_VIEW = View("integration_log", IntegrationLogRow, key=("integration_id", "position"))


def _row(entry: Entry) -> IntegrationLogRow:
    return IntegrationLogRow(
        integration_id=entry.integration_id,
        position=entry.position,
        occurred_at=entry.recorded.occurred_at,
        exception_type=entry.fields["exception_type"],
        response_code=entry.fields["response_code"],
    )


INTEGRATION_LOG = log(INTEGRATION_LOG_VIEW.name, frozenset({ExceptionLogged.topic}), _row)
