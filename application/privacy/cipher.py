"""Encrypts values and bodies with the keys of subjects, and opens them: what each token is bound to, and its form."""

import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json

from domain.errors import InvalidEvent, UnreadableKey

MARK = "encryption"
"""The metadata member that says that all personal data of the event is encrypted, and how: 1 is the form made here."""
TOKEN = "enc:v1:"  # noqa: S105 what encrypted values begin with
NONCE_BYTES = 12
_TOKEN_FORM = re.compile(rf"{TOKEN}[\w-]{{8}}:[A-Za-z0-9+/]{{38,}}={{0,2}}", flags=re.ASCII)
"""The key's name, then at least a nonce, one byte and its tag."""
_NAME_CHARACTERS = len(TOKEN) + 9
CHANGED = "The encrypted value was changed after it was recorded"


class SubjectKey:
    """A subject's key; data is about a subject. Sealing the same text twice gives the same bytes."""

    def __init__(self, secret: bytes) -> None:
        self.token = f"{TOKEN}{urlsafe_b64encode(_digest(secret, b'id', 6)).decode()}:"
        """The beginning of everything this key encrypts. It tells this key from others, and nothing about the key."""
        self._nonces = blake2b(key=_digest(secret, b"nonces", 32), digest_size=NONCE_BYTES)
        self._cipher = AESGCM(secret)

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """Encrypt. Opening takes the key and the same bound_to."""
        # The nonce is derived from everything: it repeats only for the very same text, as when an event is sent again.
        digest = self._nonces.copy()
        digest.update(bound_to + plain)
        nonce = digest.digest()
        return nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Decrypt. Raises InvalidTag if the text was changed, or if it is bound to something else."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)


class DamagedKey(SubjectKey):
    """Stands for a key whose stored form was changed. Every use of it raises UnreadableKey."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    @property
    def token(self) -> str:  # type: ignore[override]
        raise UnreadableKey(self._subject)


Keys = Mapping[str, SubjectKey | None]
"""Keys by subject; None if the key was destroyed. A subject without a key is missing."""


def is_token(value: Any) -> bool:
    """Whether a value stands for something encrypted. Use it only for values that we alone write."""
    return isinstance(value, str) and value.startswith(TOKEN)


def bound(*parts: str) -> bytes:
    """Return the parts as one text, each after its length. No other parts give the same text."""
    return "".join([f"{len(part)}:{part}" for part in parts]).encode()


@lru_cache(maxsize=1_024)
def _bound_to_field(path: str) -> bytes:
    return bound(path)


@lru_cache(maxsize=1_024)
def _bound_to_subject(tenant: str, subject: str, path: str) -> bytes:
    return bound(tenant, subject, path)


def bound_to_event(tenant: str, stream: str, event_id: str) -> bytes:
    """Return what binds a token to an event."""
    # This equals bound(tenant, stream, event_id); bound's loop takes twice as long.
    return f"{len(tenant)}:{tenant}{len(stream)}:{stream}{len(event_id)}:{event_id}".encode()


def bound_to_place(tenant: str, stream: str, event: bytes, path: str, subject: str) -> bytes:
    """Return what binds the token of a value: the event (see bound_to_event) and the place in it, or the performer and
    the place.

    The names of performers come again and again, so each is encrypted once, and not once for every event.
    """
    return event + _bound_to_field(path) if subject == stream else _bound_to_subject(tenant, subject, path)


def seal(value: Any, key: SubjectKey, bound_to: bytes) -> str:
    """Return the token that stands for a value."""
    return key.token + b2a_base64(key.seal(to_json(value), bound_to), newline=False).decode()


def open_token(token: str, key: SubjectKey | None, bound_to: bytes) -> Any:
    """Return the value that a token stands for; None if the token needs another key.

    Raises InvalidEvent if the token is not the one that was recorded in this place; raises UnreadableKey.
    """
    if key is None:
        return None
    is_of_key = token.startswith(key.token)
    try:
        value = from_json(key.open(a2b_base64(token[_NAME_CHARACTERS:], strict_mode=True), bound_to))
    except (InvalidTag, ValueError) as exc:
        if not is_of_key and _TOKEN_FORM.fullmatch(token):
            return None
        raise InvalidEvent(CHANGED) from exc
    if not is_of_key:
        raise InvalidEvent(CHANGED)  # the name of its key was changed
    return value


def seal_body(body: bytes, key: SubjectKey, bound_to: bytes) -> bytes:
    """Return an encrypted body."""
    return key.token.encode() + key.seal(body, bound_to)


def open_body(sealed: bytes, key: SubjectKey | None, bound_to: bytes) -> bytes | None:
    """Return a decrypted body; None if it needs another key.

    Raises InvalidEvent if it was changed; raises UnreadableKey.
    """
    if not sealed.startswith(TOKEN.encode()):
        raise InvalidEvent(CHANGED)  # it is not encrypted
    if key is None or not sealed.startswith(key.token.encode()):
        return None
    try:
        return key.open(sealed[len(key.token) :], bound_to)
    except (InvalidTag, ValueError) as exc:
        raise InvalidEvent(CHANGED) from exc


def _digest(key: bytes, text: bytes, size: int) -> bytes:
    return blake2b(text, key=key, digest_size=size).digest()
