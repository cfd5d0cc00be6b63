"""All projections, and the views that they derive. A projection has the name of its view."""

from typing import Any

from application.views.projections.action_log import ACTION_LOG, ACTION_LOG_VIEW
from application.views.projections.integration_log import INTEGRATION_LOG, INTEGRATION_LOG_VIEW
from application.views.projections.integrations import INTEGRATIONS, INTEGRATIONS_VIEW
from application.views.projections.order_state import ORDER_STATE, ORDER_STATE_VIEW
from application.views.projections.projection import Projection
from application.views.projections.service_events import SERVICE_EVENTS, SERVICE_EVENTS_VIEW
from application.views.projections.system_log import SYSTEM_LOG, SYSTEM_LOG_VIEW
from application.views.projections.timeline import TIMELINE, TIMELINE_VIEW
from application.views.projections.view import View

PROJECTIONS: tuple[Projection, ...] = (
    ACTION_LOG,
    SERVICE_EVENTS,
    ORDER_STATE,
    SYSTEM_LOG,
    INTEGRATION_LOG,
    INTEGRATIONS,
    TIMELINE,
)

VIEWS: tuple[View[Any], ...] = (
    ACTION_LOG_VIEW,
    SERVICE_EVENTS_VIEW,
    ORDER_STATE_VIEW,
    SYSTEM_LOG_VIEW,
    INTEGRATION_LOG_VIEW,
    INTEGRATIONS_VIEW,
    TIMELINE_VIEW,
)
