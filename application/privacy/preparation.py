"""Prepares appends: whose keys they need, and their events encrypted and written."""

from collections.abc import Sequence

from application.ledger.port import Append, NewEvent, Prepared, Storable, written
from application.privacy.cipher import Keys
from application.privacy.sealing import Sealing, sealing


class Secrets:
    """The personal data in the events of an append: whose it is, and the events as they are stored.

    Each event is encrypted once, and written once.
    """

    __slots__ = ("_events", "_sealings", "_written", "keys", "subjects")

    def __init__(self, append: Append) -> None:
        self.subjects: set[str] = set()
        """The subjects whose data the events hold. There are no secrets if it is empty."""
        self.keys: Keys = {}
        """The keys of these subjects. They have to be set before anything is encrypted."""
        self._events: list[Sealing | Storable] = []
        self._sealings: list[Sealing] = []
        """The events that hold personal data."""
        self._written: list[NewEvent] | None = None
        tenant, writes, _, _ = append
        for stream, _, events in writes:
            for event in events:
                found = sealing(tenant, stream, event)
                self._events.append(found or event)
                if found is not None:
                    self._sealings.append(found)
                    self.subjects |= found.subjects

    @property
    def size(self) -> int:
        """The number of events that hold personal data."""
        return len(self._sealings)

    def seal(self, first: int = 0, last: int | None = None) -> None:
        """Encrypt the events with personal data from the first to the last, unless all are written already.

        Data of forgotten subjects is left out. Raises UnreadableKey.
        """
        if self._written is None:
            for each in self._sealings[first:last]:
                each.seal(self.keys)

    def written(self) -> list[NewEvent]:
        """Return all events as they are stored. They are encrypted already."""
        if self._written is None:
            self._written = [event.written() for event in self._events]
        return self._written


def prepare(group: Sequence[Append]) -> list[Prepared]:
    """Encrypt and write the events of a group of appends. An error in one append does not affect the others.

    The secrets of an append are a Secrets; it has none if none of its events holds personal data. The same append gives
    the same bytes. All are encrypted before any is written: the ciphers' code is large, and in this way the processor
    loads it once for all appends instead of once for each.
    """
    errors: dict[int, Exception] = {}
    for n, append in enumerate(group):
        if append.secrets is not None:
            try:
                append.secrets.seal()
            except Exception as error:
                errors[n] = error
    prepared: list[Prepared] = []
    for n, append in enumerate(group):
        try:
            prepared.append(errors.get(n) or _written(append))
        except Exception as error:
            prepared.append(error)
    return prepared


def _written(append: Append) -> list[NewEvent]:
    secrets: Secrets | None = append.secrets
    return written(append) if secrets is None else secrets.written()
