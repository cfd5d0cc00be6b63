"""All projections, by the name of the view each derives."""

from application.views.projections.action_log import ACTION_LOG
from application.views.projections.integration_log import INTEGRATION_LOG
from application.views.projections.integrations import INTEGRATIONS
from application.views.projections.order_state import ORDER_STATE
from application.views.projections.projection import Projection
from application.views.projections.service_events import SERVICE_EVENTS
from application.views.projections.system_log import SYSTEM_LOG
from application.views.projections.timeline import TIMELINE

PROJECTIONS: tuple[Projection, ...] = (
    ACTION_LOG,
    SERVICE_EVENTS,
    ORDER_STATE,
    SYSTEM_LOG,
    INTEGRATION_LOG,
    INTEGRATIONS,
    TIMELINE,
)
