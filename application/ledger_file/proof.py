"""A proof as a file: receipts, and the events of one order. Checking it takes nothing but a key."""

from base64 import b64decode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from application.ledger.port import RecordedEvent
from application.ledger_file.lines import FileDamaged, event_of
from application.transparency.checkpoint import Checkpoint
from application.transparency.leaf import leaf_hash_of
from application.transparency.note import CannotCheck, FalseSignature, InvalidNote, NotSigned, Verifier
from application.transparency.proofs import FORMAT
from application.transparency.tree import is_included
from domain.values import TenantName


class Proven(NamedTuple):
    """The events that a proof is about, in its order, and the checkpoint that covers them."""

    events: Sequence[RecordedEvent]
    checkpoint: Checkpoint
    keys: Sequence[Verifier]

    def versions(self) -> Mapping[str, Sequence[int]]:
        """Return the proven versions of each stream."""
        versions = defaultdict(list)
        for event in self.events:
            versions[event.stream].append(event.version)
        return versions


def check_proof(proof: dict[str, Any], *, trusted: Sequence[Verifier] = ()) -> Proven:
    """Return what a proof, or the receipt in an answer, proves. If no key is trusted, the proof's own keys are used.

    Raises FileDamaged if it differs from what was signed. Raises CannotCheck if it is no proof, or signed by other
    keys.
    """
    try:
        proof = proof.get("receipt", proof)
        if proof["format"] != FORMAT:
            raise CannotCheck(f"this release does not know its format {proof['format']!r}")
        keys = [Verifier.parse(key) for key in proof["keys"]]
        checkpoint = _checkpoint(proof["checkpoint"], trusted, keys)
        told = [_told(dict(fields)) for fields in proof["events"]]
    except InvalidNote as wrong:
        raise CannotCheck(str(wrong)) from wrong
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        raise CannotCheck("it is not a proof that Ordertrail wrote") from wrong
    if not told:
        raise CannotCheck("it proves nothing, because it has no events")
    proven = Proven([_included(*event, checkpoint) for event in told], checkpoint, keys)
    for stream, versions in proven.versions().items():
        if list(versions) != list(range(versions[0], versions[0] + len(versions))):
            raise FileDamaged(f"versions of {stream} are missing: it has {', '.join(map(str, versions))}")
    return proven


def _checkpoint(note: str, trusted: Sequence[Verifier], keys: Sequence[Verifier]) -> Checkpoint:
    """Return the checkpoint. Raises FileDamaged, InvalidNote."""
    try:
        return Checkpoint.verified(note, trusted or keys)
    except FalseSignature as wrong:
        raise FileDamaged(str(wrong)) from wrong
    except NotSigned as wrong:
        if trusted:
            raise
        raise FileDamaged(str(wrong)) from wrong  # it names the keys itself


def _told(fields: dict[str, Any]) -> tuple[TenantName, RecordedEvent, list[bytes]]:
    """Return an event's tenant, the event, and its path to the root. Raises CannotCheck, KeyError, ValueError."""
    path = [b64decode(hash_, validate=True) for hash_ in fields.pop("proof")]
    try:
        return *event_of(fields), path
    except FileDamaged as wrong:
        raise CannotCheck(f"it is not a proof that Ordertrail wrote: {wrong}") from wrong


def _included(tenant: TenantName, event: RecordedEvent, path: Sequence[bytes], checkpoint: Checkpoint) -> RecordedEvent:
    """Return the event if its path shows that the checkpoint covers it. Raises FileDamaged."""
    if not checkpoint.origin.endswith(f"/{tenant}"):
        raise FileDamaged(
            f"the event at position {event.position} belongs to tenant {tenant!r}, "
            f"the checkpoint to {checkpoint.origin}"
        )
    if not is_included(leaf_hash_of(tenant, event), event.position - 1, checkpoint.size, path, checkpoint.root):
        raise FileDamaged(f"the event at position {event.position} differs from the one that was sealed there")
    return event
