"""Checkpoints in the C2SP tlog-checkpoint format: https://c2sp.org/tlog-checkpoint."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from application.transparency.note import InvalidNote, NotSigned, Signer, Verifier, sign, verify


class Checkpoint(NamedTuple):
    """The state of a ledger's tree at this size; origin is the ledger's permanent name."""

    origin: str
    size: int
    root: bytes

    def signed(self, signers: Iterable[Signer]) -> str:
        """Return the checkpoint as a note."""
        return sign(f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n", signers)

    @classmethod
    def verified(cls, note: str, verifiers: Sequence[Verifier]) -> "Checkpoint":
        """Return the checkpoint in a note, if one of these keys signed it for its ledger.

        Raises NotSigned if none of them did, FalseSignature, InvalidNote if it is no checkpoint.
        """
        try:
            # Further lines are extensions.
            origin, size, root, *_ = verify(note, verifiers).split("\n")
            checkpoint = cls(origin, int(size), b64decode(root, validate=True))
        except ValueError as exc:
            raise InvalidNote("A checkpoint has three lines: its origin, a size, and a root in base64") from exc
        if not origin or str(checkpoint.size) != size or checkpoint.size < 0 or len(checkpoint.root) != 32:
            raise InvalidNote("A checkpoint has three lines: its origin, a size, and a root in base64")
        # The ledgers of one installation share a key under different names, and the signature does not cover the key's
        # name.
        if not any(verifier.name == origin for verifier in verifiers):
            raise NotSigned(f"it belongs to {origin}, and none of these keys signs for that ledger")
        return checkpoint


class KeptNote(NamedTuple):
    """A checkpoint as it is kept: the size it is kept under, and its note."""

    size: int
    note: str

    def checkpoint(self, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
        """Return the checkpoint, if one of these keys signed it for this ledger and this size. Raises InvalidNote."""
        try:
            checkpoint = Checkpoint.verified(self.note, verifiers)
        except InvalidNote as invalid:
            raise InvalidNote(f"the checkpoint of {self.size} events is not valid: {invalid}") from invalid
        if (checkpoint.origin, checkpoint.size) != (origin, self.size):
            of_another = f"that of {checkpoint.size} of {checkpoint.origin}"
            raise InvalidNote(f"the checkpoint of {self.size} events is {of_another}")
        return checkpoint
