"""Prepares appends: whose keys they need, and their events encrypted and written."""

from collections.abc import Sequence

from application.ledger.port import Append, NewEvent, Prepared, written
from application.privacy.cipher import Keys
from application.privacy.envelopes import Envelopes
from application.privacy.sealing import Sealing, sealing

Sealings = list[Sealing | None]
"""How the events of all writes of an append are encrypted; None for an event without personal data."""


class Secrets:
    """What the preparation of an append needs besides its events: how they are encrypted, and the subjects' keys.

    Each is encrypted once, and written once.
    """

    __slots__ = ("_events", "_keys", "_sealings")

    def __init__(self, sealings: Sealings, keys: Keys) -> None:
        self._sealings = sealings
        self._keys = keys
        self._events: list[NewEvent] | None = None

    def seal(self, first: int = 0, last: int | None = None) -> None:
        """Encrypt the events from the first to the last, unless they are written already. Data of forgotten subjects is
        left out. Raises UnreadableKey.
        """
        if self._events is not None:
            return
        keys = self._keys
        for each in self._sealings[first:last]:
            if each is not None:
                each.seal(keys)

    def written(self, append: Append) -> list[NewEvent]:
        """Return the events as they are stored. They are encrypted already."""
        if self._events is None:
            events = [event for write in append.writes for event in write.events]
            self._events = [
                event.written() if each is None else each.written()
                for event, each in zip(events, self._sealings, strict=True)
            ]
        return self._events


def sealings_of(append: Append) -> Sealings:
    """Return how the events of an append are encrypted. They share what may be shared."""
    envelopes: Envelopes = {}
    tenant, writes, _, _ = append
    return [sealing(tenant, stream, event, envelopes) for stream, _, events in writes for event in events]


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
    return written(append) if secrets is None else secrets.written(append)
