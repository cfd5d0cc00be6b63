"""Encryption of the personal data in an event's stored JSON: what it is bound to, whose key it needs, what is shown."""

from base64 import urlsafe_b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json

from application.ledger import NewEvent, RecordedEvent
from application.personal import Shape, places, shape_of
from domain import person
from domain.errors import InvalidEvent
from domain.events.catalogue import CATALOGUE
from domain.values import Actor, TenantName

TOKEN = "enc:v1:"  # noqa: S105 what encrypted values begin with
NONCE_BYTES = 12
MARK = "encryption"
"""The member of an event's metadata that says that all of its personal data is encrypted, and how: 1, as here."""

_MARKED = f'"{MARK}":1'.encode()
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


Keys = Mapping[str, SubjectKey | None]
"""Keys by subject; None where it was destroyed. A subject that never had one is missing."""


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
    """Return the value that a token stands for; None if the key that it takes is not there any more.

    Raises InvalidEvent if the token is not what was recorded in this place.
    """
    if key is None or not token.startswith(key.token):
        return None
    try:
        return from_json(key.open(a2b_base64(token[len(key.token) :], strict_mode=True), bound_to))
    except (InvalidTag, ValueError) as exc:
        raise InvalidEvent("What is encrypted was changed after it was recorded") from exc


def seal_body(body: bytes, key: SubjectKey, bound_to: bytes) -> bytes:
    """Return a body encrypted."""
    return key.token.encode() + key.seal(body, bound_to)


def open_body(sealed: bytes, key: SubjectKey | None, bound_to: bytes) -> bytes | None:
    """Return a body that was encrypted, or one from before they were; None if its key is not there any more.

    Raises InvalidEvent if it was changed.
    """
    if not sealed.startswith(TOKEN.encode()):
        return sealed  # all of ours are JSON objects
    if key is None or not sealed.startswith(key.token.encode()):
        return None
    try:
        return key.open(sealed[len(key.token) :], bound_to)
    except InvalidTag as exc:
        raise InvalidEvent("What is encrypted was changed after it was recorded") from exc


def _digest(key: bytes, text: bytes, size: int) -> bytes:
    return blake2b(text, key=key, digest_size=size).digest()


def is_sealed(event: NewEvent | RecordedEvent) -> bool:
    """Whether the personal data of an event is encrypted. No text within its metadata can look like the mark."""
    return _MARKED in event.metadata


class Document:
    """The stored JSON of an event of our catalogue, and the personal data in it."""

    def __init__(self, tenant: TenantName, stream: str, event: NewEvent | RecordedEvent, shape: Shape) -> None:
        self._bound = bound(tenant, stream, event.event_id)
        self._data_bytes = event.data
        self._data: dict[str, Any] = from_json(event.data) if shape else {}
        self._metadata: dict[str, Any] = from_json(event.metadata)
        actor = self._metadata.get("actor", {})
        performer = person.stream_of(actor["id"]) if actor.get("id") else stream
        found = [*places(actor, _ACTOR, "actor."), *places(self._data, shape)]
        self._places = [(place, performer if place.is_performers else stream) for place in found]
        self.subjects = {subject for _, subject in self._places}
        """Whom it has personal data of: the performer, if they have an id; else what the stream is of."""

    def seal(self, keys: Keys) -> tuple[bytes, bytes]:
        """Return data and metadata with the personal data encrypted, or left out where its key was destroyed."""
        for place, subject in self._places:
            key = keys[subject]
            place.set(
                place.placeholder if key is None else seal(place.value, key, self._bound + _bound_field(place.path))
            )
        self._metadata[MARK] = 1
        return self._bytes()

    def open(self, keys: Keys) -> tuple[bytes, bytes]:
        """Return data and metadata with the personal data decrypted, or left out where its key is not there any more.

        Raises InvalidEvent.
        """
        is_sealed = self._metadata.pop(MARK, None) is not None
        for place, subject in self._places:
            if not is_sealed:
                # It was recorded before there were keys: a destroyed one says that it must not be shown.
                is_hidden = subject in keys and keys[subject] is None
                place.set(place.placeholder if is_hidden else place.value)
            elif is_token(place.value):
                value = open_token(place.value, keys.get(subject), self._bound + _bound_field(place.path))
                place.set(place.placeholder if value is None else value)
        return self._bytes()

    def _bytes(self) -> tuple[bytes, bytes]:
        return to_json(self._data) if self._data else self._data_bytes, to_json(self._metadata)


def document(tenant: TenantName, stream: str, event: NewEvent | RecordedEvent) -> Document | None:
    """Return an event's stored JSON; None if there is no personal data in it, or it is no event of ours."""
    event_class = CATALOGUE.get(event.type)
    if event_class is None or not ((shape := shape_of(event_class)) or b'"name"' in event.metadata):
        return None
    try:
        found = Document(tenant, stream, event, shape)
    except (AttributeError, TypeError, ValueError):
        # Others may write under our names; what cannot be read shows where it is decoded.
        return None
    return found if found.subjects else None
