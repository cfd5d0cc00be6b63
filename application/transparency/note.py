"""Signed notes in the C2SP signed-note format, with Ed25519 keys: https://c2sp.org/signed-note."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.errors import OrdertrailError

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_KEY_ID = 4
"""Bytes of a key's id."""


class InvalidNote(OrdertrailError):
    """This is not a signed note, or not one that a known key has signed."""


class NotSigned(InvalidNote):
    """None of the known keys has signed this note."""


class FalseSignature(InvalidNote):
    """A signature is not valid: the note was changed after it was signed."""


class CannotCheck(OrdertrailError):
    """There is no way to tell whether this was changed after it was signed."""


class Verifier(NamedTuple):
    """A public key, and its name."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:_KEY_ID]

    def __str__(self) -> str:
        """Return the key in its published form: its name, its id and its bytes."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Return the key in a published text. Raises InvalidNote."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            key = b64decode(encoded, validate=True)
        except ValueError as exc:
            raise InvalidNote("A key is written <name>+<id>+<base64>") from exc
        verifier = cls(name, key[1:])
        if not name or key[:1] != _ED25519 or len(key) != 33 or verifier.key_id.hex() != key_id:
            raise InvalidNote("The key is not an Ed25519 key, or its id belongs to another key")
        return verifier

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Whether this is the key's signature of a text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


class _KeyPair(NamedTuple):
    private_key: Ed25519PrivateKey
    public_key: bytes


@lru_cache(maxsize=2)
def _parsed(private_key: bytes) -> _KeyPair:
    """Return a key that can sign. One key signs for all ledgers, or two while keys are rotated."""
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    return _KeyPair(key, key.public_key().public_bytes_raw())


class Signer(NamedTuple):
    """A private key of 32 bytes, and its name."""

    name: str
    private_key: bytes

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, _parsed(self.private_key).public_key)

    def line(self, text: str) -> str:
        """Return the line that signs a text."""
        signature = _parsed(self.private_key).private_key.sign(text.encode())
        return f"{_DASH}{self.name} {b64encode(self.verifier.key_id + signature).decode()}\n"


def sign(text: str, signers: Iterable[Signer]) -> str:
    """Return a text as a note that all of these keys have signed. The text must end with a newline."""
    return text + "\n" + "".join(signer.line(text) for signer in signers)


def verify(note: str, verifiers: Sequence[Verifier]) -> str:
    """Return a note's text if one of these keys has signed it. Signatures of other keys are ignored.

    Raises NotSigned if none of them has, FalseSignature if one of their signatures is false, InvalidNote if it is no
    note.
    """
    text, separator, lines = note.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise InvalidNote("A signed note is a text, an empty line, and lines with signatures")
    is_signed = False
    for line in lines.splitlines():
        name, signature = _signature(line)
        for verifier in verifiers:
            if (verifier.name, verifier.key_id) == (name, signature[:_KEY_ID]):
                if not verifier.has_signed(text + "\n", signature[_KEY_ID:]):
                    raise FalseSignature(f"The signature of {name} is not valid")
                is_signed = True
    if not is_signed:
        raise NotSigned(f"None of these keys has signed it: {', '.join(map(str, verifiers))}")
    return text + "\n"


def _signature(line: str) -> tuple[str, bytes]:
    """Return the name of a signature's key, and the key's id followed by the signature. Raises InvalidNote."""
    try:
        name, encoded = line.removeprefix(_DASH).split(" ")
        signature = b64decode(encoded, validate=True)
    except ValueError as exc:
        raise InvalidNote("A line with a signature is a dash, a name, and base64") from exc
    if not line.startswith(_DASH) or len(signature) <= _KEY_ID:
        raise InvalidNote("A line with a signature is a dash, a name, and base64")
    return name, signature
