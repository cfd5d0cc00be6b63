"""The newest notes of many ledgers whose signatures were checked, or made, by this process."""

from typing import NamedTuple

from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.kept_tree import newest_checkpoint
from application.transparency.keys import Identity
from application.transparency.note import Verifier

SIZE = 50_000


class _Verified(NamedTuple):
    newest: KeptNote
    verifiers: tuple[Verifier, ...]
    checkpoint: Checkpoint


class VerifiedNotes:
    """Knows the newest note of each ledger, so that the same bytes are not checked again with the same keys.

    Checking a signature takes longer than all else that proves a small ledger.
    """

    def __init__(self, *, size: int = SIZE) -> None:
        self._size = size
        self._known: dict[str, _Verified] = {}

    def add(self, checkpoint: Checkpoint, note: str, known: Identity) -> None:
        """Note what was just signed with these keys."""
        self._put(_Verified(KeptNote(checkpoint.size, note), known.verifiers, checkpoint))

    def checkpoint_of(self, newest: KeptNote | None, known: Identity) -> Checkpoint:
        """Return the newest signed checkpoint, as newest_checkpoint does. Raises InvalidNote."""
        if newest is None:
            return newest_checkpoint(None, known)
        found = self._known.get(known.origin)
        if found is None or (found.newest, found.verifiers) != (newest, known.verifiers):
            found = _Verified(newest, known.verifiers, newest_checkpoint(newest, known))
            self._put(found)
        return found.checkpoint

    def _put(self, verified: _Verified) -> None:
        origin = verified.checkpoint.origin
        self._known.pop(origin, None)
        self._known[origin] = verified
        if len(self._known) > self._size:
            # The one that was put in first is that of the ledger that was quiet for longest.
            del self._known[next(iter(self._known))]
