"""Checkpoints that were saved elsewhere. A ledger must continue each of them, whatever is stored with it."""

from collections import deque
from collections.abc import Iterable, Sequence

from application.transparency.checkpoint import Checkpoint
from application.transparency.note import CannotCheck, InvalidNote, Verifier
from domain.errors import OrdertrailError


class NotContinued(OrdertrailError):
    """The ledger does not continue a checkpoint that somebody holds."""

    def __init__(self, what: str, position: int | None = None) -> None:
        """Take a description of the damage, and the first position that may be wrong."""
        self.position = position
        super().__init__(what)


class Held:
    """Compares such checkpoints with a ledger's tree while that grows. Raises NotContinued if one does not agree."""

    def __init__(self, notes: Iterable[str], origin: str, verifiers: Sequence[Verifier]) -> None:
        """Take checkpoints that one of these keys signed for the ledger with this name. Raises CannotCheck."""
        self.origin = origin
        self._ahead = deque(
            sorted((_checkpoint(note, origin, verifiers) for note in notes), key=lambda held: held.size)
        )

    @property
    def next_size(self) -> int | None:
        """The size of the next checkpoint to compare; None if there is none left."""
        return self._ahead[0].size if self._ahead else None

    def compare(self, size: int, root: bytes) -> None:
        """Compare the checkpoints of this size with the tree's root at this size."""
        while self.next_size == size:
            if self._ahead.popleft().root != root:
                raise NotContinued(f"events 1 to {size} are not those of the checkpoint that you hold", size)

    def end(self, size: int) -> None:
        """Report that the ledger has this many events and no more. Raises NotContinued if a checkpoint is left."""
        if self._ahead:
            says = self._ahead[-1].size
            raise NotContinued(
                f"the ledger ends at {size}, the checkpoint that you hold covers {says} events", size + 1
            )


def _checkpoint(note: str, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    try:
        checkpoint = Checkpoint.verified(note, verifiers)
    except InvalidNote as wrong:
        raise CannotCheck(f"the checkpoint that you hold is not this ledger's: {wrong}") from wrong
    if checkpoint.origin != origin:
        raise CannotCheck(f"the checkpoint that you hold is not this ledger's: it belongs to {checkpoint.origin}")
    return checkpoint
