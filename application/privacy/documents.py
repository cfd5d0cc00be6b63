"""Personal data in an event's JSON: where it is, which key it needs, how it is encrypted, and what is shown of it."""

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from application.ledger.port import (
    ERASED,
    WHY_UNREADABLE,
    Append,
    Draft,
    NewEvent,
    Prepared,
    RecordedEvent,
    Storable,
    Write,
)
from application.ledger.port import prepare as written_group
from application.privacy.cipher import CHANGED, Keys, SubjectKey, bound, is_token, open_token, seal
from application.privacy.damage import Unopened, changed, in_words, of_damaged_key, of_other_key
from domain.errors import InvalidEvent, UnreadableKey
from domain.events.catalogue import CATALOGUE
from domain.personal import Member, Place, Shape, is_placeholder, placeholder, places, shape_of, unreadable
from domain.streams import person_stream
from domain.values import OF_PERFORMER, Actor, TenantName

MARK = "encryption"
"""The metadata member that says that all personal data of the event is encrypted, and how: 1 is the form made here."""

CUSTOMER = "customer"
"""The type of an actor who is the order's customer, in capitals or not."""

_MARKED = f'"{MARK}":1'.encode()
_ACTOR = shape_of(Actor)


@lru_cache(maxsize=1_024)
def _bound_field(path: str) -> bytes:
    return bound(path)


def is_sealed(event: NewEvent | RecordedEvent) -> bool:
    """Whether an event's personal data is encrypted. No text within its metadata can look like the mark."""
    return _MARKED in event.metadata


Plain = tuple[dict[str, Any], str, SubjectKey, bytes]
"""A value that is still to be encrypted: the object that holds it, its name there, the key, and what it is bound to."""


class Document:
    """The JSON of an event of our catalogue, and the personal data in it. It works on copies of the event's objects.

    data is bytes if the event's type holds nothing personal.
    """

    __slots__ = ("_bound", "_data", "_metadata", "_performer", "_places", "_stream", "missed", "unopened")

    missed: list[tuple[Place, Unopened]]
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
        # This equals bound(tenant, stream, event_id), to which stored values are bound; bound's loop takes twice as
        # long.
        self._bound = f"{len(tenant)}:{tenant}{len(stream)}:{stream}{len(event_id)}:{event_id}".encode()
        self._stream = self._performer = stream
        self._places: list[Place] = []
        self._metadata = metadata = {**metadata}
        if actor := metadata.get("actor"):
            metadata["actor"] = actor = {**actor}
            # The customer's own name belongs to the order, like all other data about the customer.
            if (performer_id := actor.get("id")) and str(actor.get("type")).lower() != CUSTOMER:
                self._performer = person_stream(performer_id)
            self._places += places(actor, _ACTOR, "actor.")
        if isinstance(data, dict):
            data = {**data}
            self._places += places(data, shape)
        self._data = data

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
        return sum([len(holder[name]) for holder, name, _, _ in self._places if isinstance(holder[name], str)])

    @property
    def is_personal(self) -> bool:
        """Whether it holds personal data."""
        return bool(self._places)

    def subjects(self) -> set[str]:
        """Return the subjects whose data this event holds: the performer, if they have an id and are no customer, or
        the stream.
        """
        return {self._whose(member) for _, _, member, _ in self._places}

    def begin_sealing(self, keys: Keys) -> list[Plain]:
        """Return the values to encrypt. A value whose key was destroyed is replaced at once and is not returned.

        Raises KeyError if a key is missing.
        """
        plain: list[Plain] = []
        for holder, name, member, path in self._places:
            key = keys[self._whose(member)]
            if key is None:
                holder[name] = placeholder(holder[name], member)
            else:
                plain.append((holder, name, key, self._bound + _bound_field(path)))
        self._metadata[MARK] = 1
        return plain

    def open(self, keys: Keys) -> None:
        """Decrypt the personal data. A value whose key was destroyed is left out.

        A value that needs another key than the subject has is left out in the same way; see miss_keys.
        """
        self.missed, self.unopened = [], []
        self._metadata.pop(ERASED, None)
        is_sealed = self._metadata.pop(MARK, None) is not None
        for place in self._places:
            _, _, member, path = place
            subject = self._whose(member)
            if subject in keys and keys[subject] is None:
                # This also hides data that was recorded before there were keys.
                self._erase(place)
            elif is_sealed:
                try:
                    self._open_one(place, subject, keys)
                except UnreadableKey:
                    self._cannot_open(place, of_damaged_key(path, subject))
                except InvalidEvent:
                    self._cannot_open(place, changed(path, subject))

    def _open_one(self, place: Place, subject: str, keys: Keys) -> None:
        """Put what may be shown of a value of a sealed event in its place. Raises InvalidEvent, UnreadableKey."""
        holder, name, _, path = place
        value = holder[name]
        if not is_token(value):
            # In a sealed event all personal data is encrypted, short of what was erased before it was recorded. If you
            # mark another field as personal, raise the mark's number.
            if not is_placeholder(value):
                raise InvalidEvent(CHANGED)
            self._erase(place)
        elif (opened := open_token(value, keys.get(subject), self._bound + _bound_field(path))) is None:
            self.missed.append((place, of_other_key(path, subject, is_there_one=subject in keys)))
            self._erase(place)
        else:
            holder[name] = opened

    def _erase(self, place: Place) -> None:
        """Leave a value out, and say so beside the data."""
        holder, name, member, path = place
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
        for place, why in self.missed:
            self._cannot_open(place, why)

    def _cannot_open(self, place: Place, why: Unopened) -> None:
        holder, name, member, path = place
        holder[name] = unreadable(member)
        if path in self._metadata.get(ERASED, ()):
            self._metadata[ERASED].remove(path)
        self.unopened.append(why)
        self._metadata[WHY_UNREADABLE] = in_words(self.unopened)

    def written(self) -> tuple[bytes, bytes]:
        """Return data and metadata as they are stored."""
        return self._data if isinstance(self._data, bytes) else to_json(self._data), to_json(self._metadata)

    def _whose(self, member: Member) -> str:
        return self._performer if member.mark is OF_PERFORMER else self._stream


class Sealable:
    """An event with the keys for its personal data, ready to be encrypted. It is appended in place of its event."""

    __slots__ = ("_document", "_occurred_at", "_plain", "event_id", "type")

    def __init__(self, event: Draft | NewEvent, found: Document, keys: Keys) -> None:
        self.event_id, self.type, self._occurred_at = event.event_id, event.type, event.occurred_at
        self._document = found
        self._plain: Sequence[Plain] = found.begin_sealing(keys)

    def encrypt(self) -> None:
        """Put the token that stands for each value in its place. Raises UnreadableKey."""
        for holder, name, key, bound_to in self._plain:
            holder[name] = seal(holder[name], key, bound_to)
        self._plain = ()

    def written(self) -> NewEvent:
        """Return the encrypted event. The same event gives the same bytes."""
        self.encrypt()
        return NewEvent(self.event_id, self.type, *self._document.written(), self._occurred_at)


def document(tenant: TenantName, stream: str, event: Storable | RecordedEvent) -> Document | None:
    """Return an event's JSON; None if it holds no personal data, or if it is no event of ours."""
    shape = shape_of_type(event.type)
    if shape is None:
        return None
    if isinstance(event, Draft):
        data = from_json(event.data) if shape and isinstance(event.data, bytes) else event.data
        found = Document(tenant, stream, event.event_id, data, event.metadata, shape)
    elif isinstance(event, NewEvent | RecordedEvent) and (shape or b'"name"' in event.metadata):
        try:
            data, metadata = from_json(event.data) if shape else event.data, from_json(event.metadata)
            found = Document(tenant, stream, event.event_id, data, metadata, shape)
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
    return {subject for each in documents if each for subject in each.subjects()}


def sealable(append: Append, documents: Sequence[Document | None], keys: Keys) -> Append:
    """Return an append whose events are ready to be encrypted.

    documents are those of the events of all writes. Data of forgotten subjects is left out.
    """
    found = iter(documents)
    writes = [
        Write(stream, expected, tuple([_sealable(event, next(found), keys) for event in events]))
        for stream, expected, events in append.writes
    ]
    return Append(append.tenant, tuple(writes), append.key)


def _sealable(event: Storable, found: Document | None, keys: Keys) -> Storable:
    return Sealable(event, found, keys) if found is not None and isinstance(event, Draft | NewEvent) else event


def prepare(group: Sequence[Append]) -> list[Prepared]:
    """Encrypt and write the events of a group of appends. An error in one append does not affect the others.

    All are encrypted before any is written. The ciphers' code is large; in this way the processor loads it once for all
    appends instead of once for each.
    """
    for append in group:
        # The same error is raised again when this append is written.
        with suppress(Exception):
            for write in append.writes:
                for event in write.events:
                    if isinstance(event, Sealable):
                        event.encrypt()
    return written_group(group)


def opened_event(event: RecordedEvent, found: Document) -> RecordedEvent:
    """Return an event with what was opened in its document."""
    data, metadata = found.written()
    return event._replace(data=data, metadata=metadata)
