"""Encryption of the personal data in an event's stored JSON: what it is bound to, whose key it needs, what is shown."""

import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json

from application.ledger.port import WHY_UNREADABLE, NewEvent, RecordedEvent, UnwrittenEvent
from application.privacy.damage import Unopened, changed, in_words, of_damaged_key, of_other_key
from domain.errors import InvalidEvent, UnreadableKey
from domain.events.catalogue import CATALOGUE
from domain.personal import Member, Place, Shape, is_placeholder, placeholder, places, shape_of, unreadable
from domain.streams import person_stream
from domain.values import OF_PERFORMER, Actor, TenantName

TOKEN = "enc:v1:"  # noqa: S105 what encrypted values begin with
NONCE_BYTES = 12
MARK = "encryption"
"""The member of an event's metadata that says that all of its personal data is encrypted, and how: 1, as here."""

CUSTOMER = "customer"
"""What an actor's type is, in capitals or not, who is the order's customer."""

_MARKED = f'"{MARK}":1'.encode()
_TOKEN_FORM = re.compile(rf"{TOKEN}[\w-]{{8}}:[A-Za-z0-9+/]{{38,}}={{0,2}}", flags=re.ASCII)
"""The name of a key, then at least a nonce, a byte and its tag."""
_NAME_CHARACTERS = len(TOKEN) + 9
_CHANGED = "What is encrypted was changed after it was recorded"
_ACTOR = shape_of(Actor)


class SubjectKey:
    """The key of a subject: whom personal data is about. What it seals twice is the same twice."""

    def __init__(self, secret: bytes) -> None:
        self.token = f"{TOKEN}{urlsafe_b64encode(_digest(secret, b'id', 6)).decode()}:"
        """What it encrypts begins with this, which tells the key from others, and nothing about it."""
        self._nonces = blake2b(key=_digest(secret, b"nonces", 32), digest_size=NONCE_BYTES)
        self._cipher = AESGCM(secret)

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """Encrypt; only whoever has the key, and says what it is bound to, can open it."""
        # Derived from all there is: a nonce comes again only with the very same text, as when an event is told again.
        digest = self._nonces.copy()
        digest.update(bound_to + plain)
        nonce = digest.digest()
        return nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Decrypt. Raises InvalidTag if it was changed, or is bound to something else."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)


class DamagedKey(SubjectKey):
    """Stands for a key that is not as it was made: whatever it is needed for raises UnreadableKey."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    @property
    def token(self) -> str:  # type: ignore[override]
        raise UnreadableKey(self._subject)


Keys = Mapping[str, SubjectKey | None]
"""Keys by subject; None where it was destroyed. A subject that has none is missing."""
KeyOf = Callable[[str], SubjectKey | None]
"""Returns the key of a subject; None if it was destroyed."""


def is_token(value: Any) -> bool:
    """Whether a value, where only we write, stands for what is encrypted."""
    return isinstance(value, str) and value.startswith(TOKEN)


def bound(*parts: str) -> bytes:
    """Return parts as one text that no other parts make: each with its length before it."""
    return "".join([f"{len(part)}:{part}" for part in parts]).encode()


@lru_cache(maxsize=1_024)
def _bound_field(path: str) -> bytes:
    return bound(path)


def seal(value: Any, key: SubjectKey, bound_to: bytes) -> str:
    """Return the token that stands for a value."""
    return key.token + b2a_base64(key.seal(to_json(value), bound_to), newline=False).decode()


def open_token(token: str, key: SubjectKey | None, bound_to: bytes) -> Any:
    """Return the value that a token stands for; None if it takes another key than this one.

    Raises InvalidEvent if the token is not what was recorded in this place; UnreadableKey.
    """
    if key is None:
        return None
    is_of_key = token.startswith(key.token)
    try:
        value = from_json(key.open(a2b_base64(token[_NAME_CHARACTERS:], strict_mode=True), bound_to))
    except (InvalidTag, ValueError) as exc:
        if not is_of_key and _TOKEN_FORM.fullmatch(token):
            return None
        raise InvalidEvent(_CHANGED) from exc
    if not is_of_key:
        raise InvalidEvent(_CHANGED)  # in the name of its key
    return value


def seal_body(body: bytes, key: SubjectKey, bound_to: bytes) -> bytes:
    """Return a body encrypted."""
    return key.token.encode() + key.seal(body, bound_to)


def open_body(sealed: bytes, key: SubjectKey | None, bound_to: bytes) -> bytes | None:
    """Return a body that was encrypted, or one from before they were; None if it takes another key than this one.

    Raises InvalidEvent if it was changed; UnreadableKey.
    """
    if not sealed.startswith(TOKEN.encode()):
        return sealed  # all of ours are JSON objects
    if key is None or not sealed.startswith(key.token.encode()):
        return None
    try:
        return key.open(sealed[len(key.token) :], bound_to)
    except (InvalidTag, ValueError) as exc:
        raise InvalidEvent(_CHANGED) from exc


def _digest(key: bytes, text: bytes, size: int) -> bytes:
    return blake2b(text, key=key, digest_size=size).digest()


def may_hold_personal_data(event: NewEvent | UnwrittenEvent) -> bool:
    """Whether there may be personal data among an event's own fields, as far as a glance can tell."""
    return isinstance(event.data, dict) and any(map(event.data.get, _shape_of(event.type) or ()))


def is_sealed(event: NewEvent | RecordedEvent) -> bool:
    """Whether the personal data of an event is encrypted. No text within its metadata can look like the mark."""
    return _MARKED in event.metadata


Plain = tuple[dict[str, Any], str, SubjectKey, bytes]
"""A value that is yet to be encrypted: the object that holds it, its name there, the key, and what it is bound to."""


class Document:
    """The JSON of an event of our catalogue, and the personal data in it, on copies of what it is made of.

    data is bytes where the event's type holds nothing personal.
    """

    __slots__ = ("_bound", "_data", "_metadata", "_performer", "_places", "_stream", "missed", "unopened")

    missed: list[tuple[Place, Unopened]]
    """What was left out when it was opened, because it takes another key than there is."""
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
        # The same as bound makes of these, for that is what was bound before; its loop takes twice as long.
        self._bound = f"{len(tenant)}:{tenant}{len(stream)}:{stream}{len(event_id)}:{event_id}".encode()
        self._stream = self._performer = stream
        self._places: list[Place] = []
        self._metadata = metadata = {**metadata}
        if actor := metadata.get("actor"):
            metadata["actor"] = actor = {**actor}
            # The customer's own name goes with the order, as what is told of the customer does.
            if (performer_id := actor.get("id")) and str(actor.get("type")).lower() != CUSTOMER:
                self._performer = person_stream(performer_id)
            self._places += places(actor, _ACTOR, "actor.")
        if isinstance(data, dict):
            data = {**data}
            self._places += places(data, shape)
        self._data = data

    @property
    def is_personal(self) -> bool:
        """Whether there is personal data in it."""
        return bool(self._places)

    def subjects(self) -> set[str]:
        """Return whom it has personal data of: the performer, if they have an id and are no customer, or the stream."""
        return {self._whose(member) for _, _, member, _ in self._places}

    def begin_sealing(self, key_of: KeyOf) -> list[Plain]:
        """Return what is to be encrypted in its place; that whose key was destroyed is left out already.

        Raises what key_of raises.
        """
        plain: list[Plain] = []
        for holder, name, member, path in self._places:
            key = key_of(self._whose(member))
            if key is None:
                holder[name] = placeholder(holder[name], member)
            else:
                plain.append((holder, name, key, self._bound + _bound_field(path)))
        self._metadata[MARK] = 1
        return plain

    def open(self, keys: Keys) -> None:
        """Decrypt the personal data, or leave it out where its key was destroyed.

        What takes another key than there is, is left out as if that had been destroyed; see miss_keys.
        """
        self.missed, self.unopened = [], []
        is_sealed = self._metadata.pop(MARK, None) is not None
        for place in self._places:
            holder, name, member, path = place
            value, subject = holder[name], self._whose(member)
            if subject in keys and keys[subject] is None:
                # Nor is what was recorded before there were keys.
                holder[name] = placeholder(value, member)
            elif is_sealed:
                try:
                    holder[name] = self._opened(place, subject, keys)
                except UnreadableKey:
                    self._cannot_open(place, of_damaged_key(path, subject))
                except InvalidEvent:
                    self._cannot_open(place, changed(path, subject))

    def _opened(self, place: Place, subject: str, keys: Keys) -> Any:
        """Return a value of a sealed event as it may be shown. Raises InvalidEvent, UnreadableKey."""
        holder, name, member, path = place
        value = holder[name]
        if not is_token(value):
            if is_placeholder(value):
                return value
            # All of it was encrypted. Whoever marks another field as personal raises the number in the mark.
            raise InvalidEvent(_CHANGED)
        opened = open_token(value, keys.get(subject), self._bound + _bound_field(path))
        if opened is None:
            self.missed.append((place, of_other_key(path, subject, is_there_one=subject in keys)))
            return placeholder(value, member)
        return opened

    @property
    def is_damaged(self) -> bool:
        """Whether something cannot be opened for another reason than that its key is damaged."""
        return any(not each.is_of_damaged_key for each in self.unopened)

    def miss_keys(self) -> None:
        """Say of what takes another key than there is that it cannot be opened: all keys were made here."""
        for place, why in self.missed:
            self._cannot_open(place, why)

    def _cannot_open(self, place: Place, why: Unopened) -> None:
        holder, name, member, _ = place
        holder[name] = unreadable(member)
        self.unopened.append(why)
        self._metadata[WHY_UNREADABLE] = in_words(self.unopened)

    def written(self) -> tuple[bytes, bytes]:
        """Return data and metadata as they are stored."""
        return self._data if isinstance(self._data, bytes) else to_json(self._data), to_json(self._metadata)

    def _whose(self, member: Member) -> str:
        return self._performer if member.mark is OF_PERFORMER else self._stream


def document(tenant: TenantName, stream: str, event: NewEvent | UnwrittenEvent | RecordedEvent) -> Document | None:
    """Return an event's JSON; None if there is no personal data in it, or it is no event of ours."""
    shape = _shape_of(event.type)
    if shape is None:
        return None
    if isinstance(event, UnwrittenEvent):
        data = from_json(event.data) if shape and isinstance(event.data, bytes) else event.data
        found = Document(tenant, stream, event.event_id, data, event.metadata, shape)
    elif shape or b'"name"' in event.metadata:
        try:
            data, metadata = from_json(event.data) if shape else event.data, from_json(event.metadata)
            found = Document(tenant, stream, event.event_id, data, metadata, shape)
        except (AttributeError, TypeError, ValueError):
            # Others may write under our names; what cannot be read shows where it is decoded.
            return None
    else:
        return None
    return found if found.is_personal else None


@lru_cache(maxsize=1_024)
def _shape_of(topic: str) -> Shape | None:
    """Return the shape of the data of events of a type; None if it is none of ours."""
    event_class = CATALOGUE.get(topic)
    return None if event_class is None else shape_of(event_class)
