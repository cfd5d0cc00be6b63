"""The persistence module for the `eventsourcing` library: its applications and projections on our ledger.

An application uses it with PERSISTENCE_MODULE=infrastructure.library and these settings. Each may be preceded by the
upper-case name of the application or the projection, and an underscore:

ORDERTRAIL_DSN       the PostgreSQL database; it must have been migrated
ORDERTRAIL_TENANT    the tenant of the ledger, created if it is missing; by default the application's name in lower
                     case. An application that projects another one's events needs a ledger of its own.
ORDERTRAIL_INSTALLATION_KEY
                     the service's, if it has one: it encrypts the keys of personal data
ORIGINATOR_ID_TYPE   text if all ids are strings; by default an id that is written as a UUID comes back as one
MAPPER_TOPIC         infrastructure.library:OrderEventMapper, if the events are ours and the service will read them
"""

from infrastructure.library.factory import OrdertrailFactory
from infrastructure.library.mapper import OrderEventMapper
from infrastructure.library.recorders import (
    OrdertrailAggregateRecorder,
    OrdertrailApplicationRecorder,
    OrdertrailSnapshotRecorder,
)
from infrastructure.library.tracking import OrdertrailProcessRecorder, OrdertrailTrackingRecorder

__all__ = [
    "OrderEventMapper",
    "OrdertrailAggregateRecorder",
    "OrdertrailApplicationRecorder",
    "OrdertrailFactory",
    "OrdertrailProcessRecorder",
    "OrdertrailSnapshotRecorder",
    "OrdertrailTrackingRecorder",
]
