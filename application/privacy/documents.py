"""Personal data in an event's JSON: where it is, which key it needs, how it is encrypted, and what is shown of it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from application.ledger.port import (
    ERASED,
    WHY_UNREADABLE,
    Draft,
    NewEvent,
    RecordedEvent,
    Storable,
)
from application.privacy.cipher import CHANGED, Keys, bound, is_token, open_token, seal, seal_again
from application.privacy.damage import Unopened, changed, in_words, of_damaged_key, of_other_key
from application.privacy.envelopes import MARK, Envelope, Envelopes, envelope_of
from domain.errors import InvalidEvent, UnreadableKey
from domain.events.catalogue import CATALOGUE
from domain.personal import Member, Shape, is_placeholder, placeholder, places, shape_of, unreadable
from domain.values import OF_PERFORMER, TenantName

_MARKED = f'"{MARK}":1'.encode()


@lru_cache(maxsize=1_024)
def _bound_field(path: str) -> bytes:
    return bound(path)


@lru_cache(maxsize=1_024)
def _bound_to_subject(tenant: TenantName, subject: str, path: str) -> bytes:
    return bound(tenant, subject, path)


def is_sealed(event: NewEvent | RecordedEvent) -> bool:
    """Whether an event's personal data is encrypted. No text within its metadata can look like the mark."""
    return _MARKED in event.metadata


Value = tuple[dict[str, Any], str, Member, str, str]
"""A personal value: its place (see domain.personal.Place), and the subject whose data it is."""


class Document:
    """The JSON of an event of our catalogue, and the personal data in it. It works on copies of the event's objects.

    data is bytes if the event's type holds nothing personal.
    """

    __slots__ = ("_data", "_envelope", "_event", "_metadata", "_stream", "_tenant", "_values", "missed", "unopened")

    missed: list[tuple[Value, Unopened]]
    """What open left out because it needs another key than the subject has."""
    unopened: list[Unopened]

    def __init__(
        self,
        tenant: TenantName,
        stream: str,
        event_id: str,
        data: dict[str, Any] | bytes,
        envelope: Envelope,
        shape: Shape,
    ) -> None:
        self._tenant, self._stream = tenant, stream
        # This equals bound(tenant, stream, event_id); bound's loop takes twice as long.
        self._event = f"{len(tenant)}:{tenant}{len(stream)}:{stream}{len(event_id)}:{event_id}".encode()
        self._envelope, self._metadata = envelope, envelope.metadata
        performer = envelope.performer or stream
        found = envelope.places
        if isinstance(data, dict):
            data = {**data}
            found = found + places(data, shape)
        self._data = data
        self._values: list[Value] = [
            (*place, performer if place[2].mark is OF_PERFORMER else stream) for place in found
        ]

    @property
    def data(self) -> dict[str, Any] | bytes:
        """The event's data, as it is now."""
        return self._data

    @property
    def metadata(self) -> dict[str, Any]:
        """The event's metadata, as it is now."""
        return self._metadata

    @property
    def size(self) -> int:
        """About how many bytes its personal data has."""
        return sum([len(value) for holder, name, *_ in self._values if isinstance(value := holder[name], str)])

    @property
    def is_personal(self) -> bool:
        """Whether it holds personal data."""
        return bool(self._values)

    def subjects(self) -> set[str]:
        """Return the subjects whose data this event holds: the performer, if they have an id and are no customer, or
        the stream.
        """
        return {value[4] for value in self._values}

    def seal(self, keys: Keys) -> None:
        """Encrypt the personal data. A value whose key was destroyed is left out. Raises KeyError if a key is missing.

        Raises UnreadableKey.
        """
        envelope, stream = self._envelope, self._stream
        values = self._values[len(envelope.places) :] if envelope.is_sealed else self._values
        for holder, name, member, path, subject in values:
            if (key := keys[subject]) is None:
                holder[name] = placeholder(holder[name], member)
            else:
                encrypt = seal if subject == stream else seal_again
                holder[name] = encrypt(holder[name], key, self._bound_to(path, subject))
        if not envelope.is_sealed:
            envelope.metadata[MARK] = 1
            envelope.is_sealed = True

    def _bound_to(self, path: str, subject: str) -> bytes:
        """Return what the token of a value is bound to: the event and the place in it, or the performer and the place.

        The names of performers come again and again, so each is encrypted once, and not once for every event.
        """
        if subject == self._stream:
            return self._event + _bound_field(path)
        return _bound_to_subject(self._tenant, subject, path)

    def open(self, keys: Keys) -> None:
        """Decrypt the personal data. A value whose key was destroyed is left out.

        A value that needs another key than the subject has is left out in the same way; see miss_keys.
        """
        self.missed, self.unopened = [], []
        self._metadata.pop(ERASED, None)
        is_sealed = self._metadata.pop(MARK, None) is not None
        for value in self._values:
            _, _, _, path, subject = value
            if subject in keys and keys[subject] is None:
                # This also hides data that was recorded before there were keys.
                self._erase(value)
            elif is_sealed:
                try:
                    self._open_one(value, keys)
                except UnreadableKey:
                    self._cannot_open(value, of_damaged_key(path, subject))
                except InvalidEvent:
                    self._cannot_open(value, changed(path, subject))

    def _open_one(self, value: Value, keys: Keys) -> None:
        """Put what may be shown of a value of a sealed event in its place. Raises InvalidEvent, UnreadableKey."""
        holder, name, _, path, subject = value
        token = holder[name]
        if not is_token(token):
            # In a sealed event all personal data is encrypted, short of what was erased before it was recorded. If you
            # mark another field as personal, raise the mark's number.
            if not is_placeholder(token):
                raise InvalidEvent(CHANGED)
            self._erase(value)
        elif (opened := open_token(token, keys.get(subject), self._bound_to(path, subject))) is None:
            self.missed.append((value, of_other_key(path, subject, is_there_one=subject in keys)))
            self._erase(value)
        else:
            holder[name] = opened

    def _erase(self, value: Value) -> None:
        """Leave a value out, and say so beside the data."""
        holder, name, member, path, _ = value
        if not is_placeholder(holder[name]):
            holder[name] = placeholder(holder[name], member)
        self._metadata.setdefault(ERASED, []).append(path)

    @property
    def hidden(self) -> frozenset[str]:
        """The paths of what was erased, and of what cannot be opened."""
        return frozenset([*self._metadata.get(ERASED, ()), *(each.path for each in self.unopened)])

    @property
    def is_damaged(self) -> bool:
        """Whether something cannot be opened for another reason than a damaged key."""
        return any(not each.is_of_damaged_key for each in self.unopened)

    def miss_keys(self) -> None:
        """Report values that need another key than there is as unreadable. Use this where all keys were made here."""
        for value, why in self.missed:
            self._cannot_open(value, why)

    def _cannot_open(self, value: Value, why: Unopened) -> None:
        holder, name, member, path, _ = value
        holder[name] = unreadable(member)
        if path in self._metadata.get(ERASED, ()):
            self._metadata[ERASED].remove(path)
        self.unopened.append(why)
        self._metadata[WHY_UNREADABLE] = in_words(self.unopened)

    def written(self) -> tuple[bytes, bytes]:
        """Return data and metadata as they are stored."""
        envelope = self._envelope
        if (metadata := envelope.json) is None:
            metadata = to_json(self._metadata)
            if envelope.is_sealed:
                envelope.json = metadata
        return self._data if isinstance(self._data, bytes) else to_json(self._data), metadata


def document(
    tenant: TenantName, stream: str, event: Storable | RecordedEvent, envelopes: Envelopes | None = None
) -> Document | None:
    """Return an event's JSON; None if it holds no personal data, or if it is no event of ours.

    With envelopes, events share what may be shared. Then they can be encrypted, and not opened.
    """
    shape = shape_of_type(event.type)
    if shape is None:
        return None
    if isinstance(event, Draft):
        envelope = envelope_of(event.metadata, stream, {} if envelopes is None else envelopes)
        found = Document(tenant, stream, event.event_id, event.data, envelope, shape)
    elif isinstance(event, NewEvent | RecordedEvent) and (shape or b'"name"' in event.metadata):
        try:
            data, metadata = from_json(event.data) if shape else event.data, from_json(event.metadata)
            found = Document(tenant, stream, event.event_id, data, Envelope(metadata), shape)
        except (AttributeError, TypeError, ValueError):
            # Others may write under our names. Decoding will report what cannot be read.
            return None
    else:
        return None
    return found if found.is_personal else None


@lru_cache(maxsize=1_024)
def shape_of_type(event_type: str) -> Shape | None:
    """Return the shape of the data of this type's events; None if the type is not ours."""
    event_class = CATALOGUE.get(event_type)
    return None if event_class is None else shape_of(event_class)


def subjects_in(documents: Sequence[Document | None]) -> set[str]:
    """Return the subjects whose data these events hold."""
    return {subject for each in documents if each is not None for subject in each.subjects()}


def opened_event(event: RecordedEvent, found: Document) -> RecordedEvent:
    """Return an event with what was opened in its document."""
    data, metadata = found.written()
    return event._replace(data=data, metadata=metadata)
