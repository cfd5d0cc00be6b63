"""Integrations: which fail since when, with what, and which orders that concerns."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Request, Response
from pydantic_core import from_json

from api.http.requests import ServicesDep, read
from api.web.pages.asking import AskedDep, Place, number, turned
from api.web.rendering import page
from api.web.route import PageRoute
from api.web.security import VisitorDep
from api.web.showing.call_view import failed_call
from api.web.showing.charts import Chart, failures_chart
from api.web.showing.entries import ShownEntry, shown_event
from application.access.callers import authorise
from application.views.integration_queries import ExceptionFilter, LoggedException
from application.views.projections.integrations import IntegrationRow
from domain.errors import EventNotFound
from domain.values import MAX_BIGINT

DAYS = 30
PAGE = 25
MOST = 200
"""How many integrations the list shows; the others are found by the search."""

router = APIRouter(prefix="/ui", route_class=PageRoute, include_in_schema=False)

IntegrationId = Annotated[int, Path(ge=1, le=MAX_BIGINT)]


class IntegrationLine(NamedTuple):
    """An integration in the list, and how often it failed of late."""

    row: IntegrationRow
    chart: Chart | None


@router.get("/integrations")
async def get_integrations(request: Request, visitor: VisitorDep, services: ServicesDep, asked: AskedDep) -> Response:
    """List integrations, those that fail first."""
    authorise(visitor, "read:integrations")
    tenant = visitor.tenant.name
    await read(services, visitor, "integrations", "integration_log")
    rows = [row for row in await services.integration_queries.integrations(tenant) if _matches(row, asked)]
    rows.sort(key=lambda row: (row.started_failing_at is None, row.integration_id))
    lines = [
        IntegrationLine(
            row, failures_chart(await services.browsing.failures(tenant, row.integration_id, _since()), DAYS)
        )
        for row in rows[:MOST]
        if row.started_failing_at is not None
    ] + [IntegrationLine(row, None) for row in rows[:MOST] if row.started_failing_at is None]
    return page(
        request,
        "integrations.html",
        visitor=visitor,
        lines=lines,
        asked=asked,
        left_out=max(0, len(rows) - MOST),
        failing=sum(row.started_failing_at is not None for row in rows),
    )


def _matches(row: IntegrationRow, asked: Mapping[str, str]) -> bool:
    text = asked.get("q", "").casefold()
    return not text or any(text in str(word).casefold() for word in (row.integration_id, row.shop_name, row.shop_url))


def _since() -> datetime:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)


@router.get("/integrations/{integration_id}")
async def get_integration(
    request: Request, integration_id: IntegrationId, visitor: VisitorDep, services: ServicesDep, asked: AskedDep
) -> Response:
    """Show an integration: its exceptions over time, the last one with what mends it, and the orders it concerns."""
    authorise(visitor, "read:integrations")
    tenant, before = visitor.tenant.name, number(asked, "before")
    await read(services, visitor, "integrations", "integration_log", "timeline", cursor=before)
    queries, browsing = services.integration_queries, services.browsing
    row = await queries.integration(tenant, integration_id)
    found = await queries.exceptions(tenant, ExceptionFilter(integration_id), cursor=before, limit=PAGE)
    entries = _shown(found)
    return page(
        request,
        "integration.html",
        visitor=visitor,
        row=row,
        details=from_json(row.details),
        chart=failures_chart(await browsing.failures(tenant, integration_id, _since()), DAYS),
        entries=entries,
        last=entries[0] if entries and before is None else None,
        orders=await browsing.tied_orders(tenant, integration_id),
        older=turned(asked, before=found[-1].position) if found.has_more else None,
        newest=turned(asked, before=None) if before is not None else None,
    )


def _shown(found: Sequence[LoggedException]) -> list[ShownEntry]:
    return [shown_event(each.recorded, kind="integration") for each in found]


@router.get("/integrations/{integration_id}/calls/{position}")
async def get_failed_call(
    request: Request, integration_id: IntegrationId, position: Place, visitor: VisitorDep, services: ServicesDep
) -> Response:
    """Show a failed call of an integration."""
    authorise(visitor, "read:integrations")
    tenant, queries = visitor.tenant.name, services.integration_queries
    await read(services, visitor, "integration_log", cursor=position)
    found = await queries.exceptions(tenant, ExceptionFilter(integration_id), cursor=position + 1, limit=1)
    if not found or found[0].position != position:
        raise EventNotFound(f"{position} of integration {integration_id}")
    call = await queries.whole(tenant, found[0])
    if call.event is None:
        raise EventNotFound(f"{position} of integration {integration_id}, as one that can be read,")
    path = f"/ui/integrations/{integration_id}"
    return page(
        request,
        "call.html",
        visitor=visitor,
        call=failed_call(call.event, call.unreadable),
        back=[("Integrations", "/ui/integrations"), (f"Integration {integration_id}", path)],
        occurred_at=call.recorded.occurred_at,
        correlation_id=None,
        event_path=None,
    )
