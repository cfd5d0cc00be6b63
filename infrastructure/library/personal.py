"""Personal data in the events of orders: an application encrypts what it records, and decrypts what it reads."""

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any

from eventsourcing.persistence import OperationalError

from application.ledger.port import Append, NewEvent, RecordedEvent
from application.privacy.cipher import Keys, SubjectKey
from application.privacy.damage import in_words
from application.privacy.documents import document, opened_event, subjects_in
from application.privacy.notices import Noticed
from application.privacy.preparation import Secrets, prepare
from domain.errors import OrdertrailError, TenantNotFound
from domain.values import TenantName
from infrastructure.keys.installation import FINGERPRINT, INSTALLATION_KEY, NotSetUp, installation_key
from infrastructure.keys.wrapping import KeyWrapper
from infrastructure.postgres.arrays import ByteaArray, texts
from infrastructure.postgres.statements import statements

_KEYS, _INSTALLATION = statements("subject_keys"), statements("installation")
_log = logging.getLogger(__name__)

Fetch = Callable[..., list[tuple[Any, ...]]]
"""Returns the rows of a statement with these parameters."""


class PersonalData:
    """Encrypts and opens the personal data of a tenant. Raises OperationalError if the keys cannot be read.

    given is the installation's key, if it is not kept in the database.
    """

    def __init__(self, tenant: TenantName, fetch: Fetch, given: bytes | None = None) -> None:
        self._tenant = tenant
        self._fetch = fetch
        self._given = given
        self._wrapper: KeyWrapper | None = None
        self._noticed = Noticed()

    def sealed(self, append: Append) -> list[NewEvent]:
        """Return the events of an append with their personal data encrypted. That of forgotten subjects is left out.

        Sealing the same again gives the same.
        """
        secrets = Secrets(append)
        try:
            if secrets.subjects:
                secrets.keys = self._keys_to_write(secrets.subjects)
                append = append._replace(secrets=secrets)
            [prepared] = prepare([append])
            if isinstance(prepared, Exception):
                raise prepared
        except OrdertrailError as exc:
            raise OperationalError(str(exc)) from exc
        return prepared

    def opened(self, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
        """Return events as they may be shown at this moment: [redacted] stands where a key was destroyed.

        What cannot be opened is [unreadable], and the event's metadata says why.
        """
        found = [document(self._tenant, event) for event in events]
        if not any(found):
            return list(events)
        try:
            keys = self._keys(self._fetch(_KEYS["keys"], subjects=texts(list(subjects_in(found)))))
        except OrdertrailError as exc:
            raise OperationalError(str(exc)) from exc
        imported: int | None = None
        shown = []
        for event, each in zip(events, found, strict=True):
            if each is None:
                shown.append(event)
                continue
            each.open(keys)
            if each.missed:
                imported = self._imported() if imported is None else imported
                if event.position > imported:
                    each.miss_keys()
            if each.unopened and self._noticed.is_new(event.event_id):
                _log.error("Event %s of %s cannot be opened: %s", event.event_id, event.stream, in_words(each.unopened))
            shown.append(opened_event(event, each))
        return shown

    def _keys_to_write(self, subjects: Collection[str]) -> Keys:
        """Return the keys of subjects. A subject without a key gets one."""
        keys: dict[str, SubjectKey | None] = {}
        for _ in range(2):  # a key that somebody else offers at this moment is found by asking again
            # In one order everywhere: two that offer to the same subjects wait for each other.
            missing = sorted(set(subjects) - keys.keys())
            wrapped = ByteaArray(self._reader().new(self._tenant, subject) for subject in missing)
            keys |= self._keys(self._fetch(_KEYS["offer"], subjects=texts(missing), wrapped=wrapped))
            if len(keys) == len(subjects):
                return keys
        raise TenantNotFound(self._tenant)

    def _keys(self, rows: Sequence[tuple[Any, ...]]) -> Keys:
        reader = self._reader()
        return {subject: reader.key(self._tenant, subject, wrapped) for subject, wrapped in rows}

    def _imported(self) -> int:
        rows = self._fetch(_KEYS["imported"])
        return int(rows[0][0]) if rows else 0

    def _reader(self) -> KeyWrapper:
        if self._wrapper is None:
            secret = self._given or self._value(INSTALLATION_KEY)
            self._wrapper = KeyWrapper(installation_key(secret, self._value(FINGERPRINT)))
        return self._wrapper

    def _value(self, name: str) -> bytes:
        rows = self._fetch(_INSTALLATION["value"], name=name)
        if not rows:
            raise NotSetUp(name)
        return bytes(rows[0][0])
