"""Checks everything before it is handed out, in the same way as its receiver would."""

import logging
from collections.abc import Sequence

from application.ledger.port import RecordedEvent
from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.keys import Identity
from application.transparency.leaf import leaf_hash_of
from application.transparency.note import InvalidNote
from application.transparency.tree import is_consistent, is_included
from domain.errors import Unproven
from domain.values import TenantName

_log = logging.getLogger(__name__)


def unproven(tenant: TenantName, what: str) -> Unproven:
    """Log that something failed its check, and return the error to raise instead of handing it out."""
    _log.critical("Tenant %s: %s; run ordertrail verify", tenant, what)
    return Unproven(what[:1].upper() + what[1:])


def checked_note(tenant: TenantName, kept: KeptNote, known: Identity) -> Checkpoint:
    """Return a checkpoint that may be handed out. Raises Unproven."""
    try:
        return kept.checkpoint(known.origin, known.verifiers)
    except InvalidNote as invalid:
        raise unproven(tenant, str(invalid)) from invalid


def check_included(tenant: TenantName, event: RecordedEvent, path: Sequence[bytes], checkpoint: Checkpoint) -> None:
    """Check that a path leads from an event, as it is handed out, to a checkpoint. Raises Unproven."""
    leaf = leaf_hash_of(tenant, event)
    if not is_included(leaf, event.position - 1, checkpoint.size, path, checkpoint.root):
        of_them = f"the {checkpoint.size} events that were signed"
        raise unproven(
            tenant, f"the proof does not show that the event at position {event.position} is one of {of_them}"
        )


def check_continued(tenant: TenantName, old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> None:
    """Check that a path leads from one size and root to another. Raises Unproven."""
    if not is_consistent(*old, *new, path):
        raise unproven(tenant, f"the proof does not show that the ledger of {new[0]} events continues that of {old[0]}")
