"""Encrypted personal data in an event's JSON: where it is, which key it needs, and what is shown of it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from application.ledger.port import ERASED, WHY_UNREADABLE, NewEvent, RecordedEvent
from application.privacy.cipher import (
    CHANGED,
    MARK,
    Keys,
    bound_to_event,
    bound_to_place,
    is_token,
    open_token,
)
from application.privacy.damage import Unopened, changed, in_words, of_damaged_key, of_other_key
from application.privacy.subjects import ACTOR_SHAPE, Value, subject_of, values_of
from domain.errors import InvalidEvent, UnreadableKey
from domain.events.catalogue import CATALOGUE
from domain.personal import Place, Shape, is_placeholder, placeholder, places, shape_of, unreadable
from domain.values import TenantName

_MARKED = f'"{MARK}":1'.encode()


def is_sealed(event: NewEvent | RecordedEvent) -> bool:
    """Whether an event's personal data is encrypted. No text within its metadata can look like the mark."""
    return _MARKED in event.metadata


class Document:
    """The JSON of an event of our catalogue, and the encrypted personal data in it. It works on copies of the event's
    objects.

    data is bytes if the event's type holds nothing personal.
    """

    __slots__ = ("_data", "_event", "_metadata", "_stream", "_tenant", "_values", "missed", "unopened")

    missed: list[tuple[Value, Unopened]]
    """What open left out because it needs another key than the subject has."""
    unopened: list[Unopened]

    def __init__(
        self,
        tenant: TenantName,
        stream: str,
        event_id: str,
        data: dict[str, Any] | bytes,
        metadata: dict[str, Any],
        shape: Shape,
    ) -> None:
        self._tenant, self._stream = tenant, stream
        self._event = bound_to_event(tenant, stream, event_id)
        self._metadata = metadata = {**metadata}
        found: list[Place] = []
        performer = None
        if actor := metadata.get("actor"):
            metadata["actor"] = actor = {**actor}
            performer = subject_of(actor)
            found = places(actor, ACTOR_SHAPE, "actor.")
        if isinstance(data, dict):
            data = {**data}
            found = found + places(data, shape)
        self._data = data
        self._values = values_of(found, performer or stream, stream)

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

    @property
    def subjects(self) -> set[str]:
        """The subjects whose data the event holds: the stream, or a performer with an id of their own."""
        return {value[4] for value in self._values}

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
        bound_to = bound_to_place(self._tenant, self._stream, self._event, path, subject)
        if not is_token(token):
            # In a sealed event all personal data is encrypted, short of what was erased before it was recorded. If you
            # mark another field as personal, raise the mark's number.
            if not is_placeholder(token):
                raise InvalidEvent(CHANGED)
            self._erase(value)
        elif (opened := open_token(token, keys.get(subject), bound_to)) is None:
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
        """Return data and metadata as JSON."""
        return self._data if isinstance(self._data, bytes) else to_json(self._data), to_json(self._metadata)


def document(tenant: TenantName, event: RecordedEvent) -> Document | None:
    """Return an event's JSON; None if it holds no personal data, or if it is no event of ours."""
    shape = shape_of_type(event.type)
    if shape is None or not (shape or b'"name"' in event.metadata):
        return None
    try:
        data, metadata = from_json(event.data) if shape else event.data, from_json(event.metadata)
        found = Document(tenant, event.stream, event.event_id, data, metadata, shape)
    except (AttributeError, TypeError, ValueError):
        # Others may write under our names. Decoding will report what cannot be read.
        return None
    return found if found.is_personal else None


@lru_cache(maxsize=1_024)
def shape_of_type(event_type: str) -> Shape | None:
    """Return the shape of the data of this type's events; None if the type is not ours."""
    event_class = CATALOGUE.get(event_type)
    return None if event_class is None else shape_of(event_class)


def subjects_in(found: Iterable[Document | None]) -> set[str]:
    """Return the subjects whose data these documents hold."""
    return {subject for each in found if each is not None for subject in each.subjects}


def opened_event(event: RecordedEvent, found: Document) -> RecordedEvent:
    """Return an event with what was opened in its document."""
    data, metadata = found.written()
    return event._replace(data=data, metadata=metadata)
