"""The eventsourcing library's subscription to a ledger."""

from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Thread
from time import monotonic
from typing import Any, Protocol

from eventsourcing.persistence import (
    ApplicationRecorder,
    ListenNotifySubscription,
    Notification,
    PersistenceError,
    ShutDown,
)

from application.ledger.port import PAGE_BYTES
from infrastructure.library.database import Connection, TenantDatabase

POLL_SECONDS = 0.5
"""How often it looks without a notification, of which a cluster has none: the library waits for a second by default."""
STOP_SECONDS = 0.1
"""How often a subscription without notifications checks whether it was stopped."""


class Notifications(Protocol):
    """The source of notifications."""

    def select_page(
        self, after: int, limit: int, stop: int | None, topics: Sequence[str], *, max_bytes: int
    ) -> Sequence[Notification]:
        """Select notifications after a position; fewer than limit once they reach max_bytes."""


class LedgerSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """Yields notifications as they are recorded.

    A NOTIFY of PostgreSQL is a hint that there is something to read. If the hint or the listening connection gets lost,
    polling finds the same events a little later.
    """

    def __init__(
        self,
        recorder: ApplicationRecorder,
        database: TenantDatabase,
        *,
        notifications: Notifications,
        gt: int | None,
        topics: Sequence[str],
    ) -> None:
        self._database = database
        self._pages = notifications
        self._stopped = Event()
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._listen_thread = Thread(target=self._listen)
        self._listen_thread.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listen_thread.join()

    def stop(self) -> None:
        super().stop()
        self._stopped.set()

    def _pull(self) -> None:
        # The library's own loop takes a page with fewer notifications than it asked for as the last one.
        while not self._has_been_stopped:
            self._has_been_notified.clear()
            after, limit = self._last_notification_id or 0, self._select_limit
            page = self._pages.select_page(after, limit, None, self._topics, max_bytes=PAGE_BYTES)
            if page:
                with suppress(ShutDown):
                    self._notifications_queue.put(page)
                self._last_notification_id = page[-1].id
            if len(page) < limit and sum(len(each.state) for each in page) < PAGE_BYTES // 2:
                break

    def _listen(self) -> None:
        try:
            while not self._stopped.is_set():
                with suppress(PersistenceError), self._database.listening() as connection:
                    self._has_been_notified.set()
                    self._hear(connection)
                self._has_been_notified.set()
                self._stopped.wait(POLL_SECONDS)
        except BaseException as exc:
            # The thread that iterates raises it.
            self._thread_error = self._thread_error or exc
            self.stop()

    def _hear(self, connection: Connection) -> None:
        polled = monotonic()
        while not self._stopped.is_set():
            for notify in connection.notifies(timeout=STOP_SECONDS, stop_after=1):
                if notify.payload == self._database.tenant:
                    self._has_been_notified.set()
            if monotonic() - polled >= POLL_SECONDS:
                polled = monotonic()
                self._has_been_notified.set()
