"""Makes the recorders of an application or a projection, as its environment says."""

from base64 import b64decode
from types import TracebackType
from typing import Any, TypeVar

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    ProcessRecorder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic

from domain.errors import OrdertrailError
from domain.values import TenantName
from infrastructure.keys.wrapping import KEY_BYTES
from infrastructure.library.database import TenantDatabase
from infrastructure.library.recorders import (
    OrdertrailAggregateRecorder,
    OrdertrailApplicationRecorder,
    OrdertrailSnapshotRecorder,
)
from infrastructure.library.tracking import OrdertrailProcessRecorder, OrdertrailTrackingRecorder

T = TypeVar("T")


class OrdertrailFactory(InfrastructureFactory[OrdertrailTrackingRecorder]):
    """Makes recorders that share one pool of connections, opened with the first of them.

    Raises InfrastructureFactoryError if a setting is missing or wrong.
    """

    ORDERTRAIL_DSN = "ORDERTRAIL_DSN"
    ORDERTRAIL_TENANT = "ORDERTRAIL_TENANT"
    ORIGINATOR_ID_TYPE = "ORIGINATOR_ID_TYPE"
    ORDERTRAIL_INSTALLATION_KEY = "ORDERTRAIL_INSTALLATION_KEY"

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        dsn = self.env.get(self.ORDERTRAIL_DSN)
        if not dsn:
            raise InfrastructureFactoryError(f"Set {self._keys(self.ORDERTRAIL_DSN)} to the DSN of the database")
        tenant = self.env.get(self.ORDERTRAIL_TENANT) or self.env.name.lower()
        if not tenant:
            raise InfrastructureFactoryError(f"Set {self._keys(self.ORDERTRAIL_TENANT)} to the name of the tenant")
        id_type = (self.env.get(self.ORIGINATOR_ID_TYPE) or "uuid").lower()
        if id_type not in {"uuid", "text"}:
            raise InfrastructureFactoryError(
                f"Set {self._keys(self.ORIGINATOR_ID_TYPE)} to uuid or text, not {id_type!r}"
            )
        self._has_text_ids = id_type == "text"
        try:
            self._database = TenantDatabase(dsn, TenantName(tenant), installation_key=self._installation_key())
        except OrdertrailError as exc:
            raise InfrastructureFactoryError(f"{self._keys(self.ORDERTRAIL_DSN)}: {exc}") from exc
        self._is_open = False

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        match purpose:
            case "events":
                return OrdertrailAggregateRecorder(self._open_database())
            case "snapshots":
                return OrdertrailSnapshotRecorder(self._open_database())
            case _:
                raise InfrastructureFactoryError(f"There is no recorder for {purpose!r}: only for events and snapshots")

    def application_recorder(self) -> ApplicationRecorder:
        recorder_class = self._class(self.APPLICATION_RECORDER_TOPIC, OrdertrailApplicationRecorder)
        return recorder_class(self._open_database(), has_text_ids=self._has_text_ids)

    def tracking_recorder(
        self, tracking_recorder_class: type[OrdertrailTrackingRecorder] | None = None
    ) -> OrdertrailTrackingRecorder:
        recorder_class = tracking_recorder_class or self._class(
            self.TRACKING_RECORDER_TOPIC, OrdertrailTrackingRecorder
        )
        return recorder_class(self._open_database(), name=self.env.name)

    def process_recorder(self) -> ProcessRecorder:
        recorder_class = self._class(self.PROCESS_RECORDER_TOPIC, OrdertrailProcessRecorder)
        return recorder_class(self._open_database(), name=self.env.name, has_text_ids=self._has_text_ids)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()
        super().__exit__(exc_type, exc_val, exc_tb)

    def close(self) -> None:
        self._database.close()

    def _installation_key(self) -> bytes | None:
        text = self.env.get(self.ORDERTRAIL_INSTALLATION_KEY)
        if not text:
            return None
        try:
            key = b64decode(text, validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise InfrastructureFactoryError(
                f"Set {self._keys(self.ORDERTRAIL_INSTALLATION_KEY)} to the service's: {KEY_BYTES} bytes in Base64"
            )
        return key

    def _open_database(self) -> TenantDatabase:
        if not self._is_open:
            self._database.open()
            self._is_open = True
        return self._database

    def _class(self, key: str, default: type[T]) -> type[T]:
        topic = self.env.get(key)
        found: Any = resolve_topic(topic) if topic else default
        if not (isinstance(found, type) and issubclass(found, default)):
            raise InfrastructureFactoryError(f"{self._keys(key)} names {topic}, which is not {default.__name__}")
        return found

    def _keys(self, key: str) -> str:
        return " or ".join(self.env.create_keys(key))
