"""All projections, by the name of the view each derives."""

from application.projections.action_log import ACTION_LOG
from application.projections.integration_log import INTEGRATION_LOG
from application.projections.integrations import INTEGRATIONS
from application.projections.order_state import ORDER_STATE
from application.projections.projection import Projection
from application.projections.service_events import SERVICE_EVENTS
from application.projections.system_log import SYSTEM_LOG
from application.projections.timeline import TIMELINE

PROJECTIONS: tuple[Projection, ...] = (
    ACTION_LOG,
    SERVICE_EVENTS,
    ORDER_STATE,
    SYSTEM_LOG,
    INTEGRATION_LOG,
    INTEGRATIONS,
    TIMELINE,
)
