"""A proof as a file: receipts, and the events of one order, checked with nothing but a key."""

from base64 import b64decode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from application.ledger import RecordedEvent
from application.ledger_file.lines import FileDamaged, event_of
from application.transparency.checkpoint import Checkpoint
from application.transparency.leaf import leaf_hash_of
from application.transparency.note import InvalidNote, Verifier
from application.transparency.proofs import FORMAT
from application.transparency.tree import is_included


class Proven(NamedTuple):
    """Which events a proof is about, in their order, and the checkpoint that it shows them to be under."""

    events: Sequence[RecordedEvent]
    checkpoint: Checkpoint
    keys: Sequence[Verifier]

    def versions(self) -> Mapping[str, Sequence[int]]:
        """Return the versions that were proven of each stream."""
        versions = defaultdict(list)
        for event in self.events:
            versions[event.stream].append(event.version)
        return versions


def check_proof(proof: dict[str, Any], *, trusted: Sequence[Verifier] = ()) -> Proven:
    """Return what a proof, or the receipt in an answer, proves; none trusted means its own keys. Raises FileDamaged."""
    try:
        proof = proof.get("receipt", proof)
        if proof["format"] != FORMAT:
            raise FileDamaged(f"it is of format {proof['format']!r}, which is not known here")
        keys = [Verifier.parse(key) for key in proof["keys"]]
        checkpoint = Checkpoint.verified(proof["checkpoint"], trusted or keys)
        events = [_included(dict(fields), checkpoint) for fields in proof["events"]]
    except InvalidNote as wrong:
        raise FileDamaged(str(wrong)) from wrong
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        raise FileDamaged("it is no proof as they are written here") from wrong
    if not events:
        raise FileDamaged("it is no proof of anything: it has no events")
    proven = Proven(events, checkpoint, keys)
    for stream, versions in proven.versions().items():
        if list(versions) != list(range(versions[0], versions[0] + len(versions))):
            raise FileDamaged(f"versions of {stream} are missing: it has {', '.join(map(str, versions))}")
    return proven


def _included(fields: dict[str, Any], checkpoint: Checkpoint) -> RecordedEvent:
    path = [b64decode(hash_, validate=True) for hash_ in fields.pop("proof")]
    tenant, event = event_of(fields)
    if not checkpoint.origin.endswith(f"/{tenant}"):
        raise FileDamaged(
            f"the event at position {event.position} is of tenant {tenant!r}, the checkpoint of {checkpoint.origin}"
        )
    if not is_included(leaf_hash_of(tenant, event), event.position - 1, checkpoint.size, path, checkpoint.root):
        raise FileDamaged(f"the event at position {event.position} is not the one that was sealed there")
    return event
