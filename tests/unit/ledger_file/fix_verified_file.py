"""A ledger in a file, and what `ordertrail verify FILE` says about it."""

from base64 import b64encode
from pathlib import Path

import pytest
from zstandard import ZstdCompressor

from api.cli.files.ledger_files import Verdict, verify_file
from application.ledger.port import RecordedEvent
from application.transparency.checkpoint import Checkpoint
from application.transparency.leaf import leaf_hash_of
from application.transparency.proofs import FORMAT, leaf_fields
from application.transparency.tree import Frontier, Range, inclusion_path
from tests.builders import ACME, a_ledger, an_event
from tests.ledger_files import ORIGIN, a_file, a_signer, edited

EVENTS = a_ledger(*(an_event(order_id=f"A-{n % 2}", status=f"s{n}") for n in range(7)))


def verdict(path: Path, content: bytes, *keys: str) -> Verdict:
    path.write_bytes(content)
    return verify_file(path, keys)


def verified(path: Path, content: bytes, *keys: str) -> bool:
    return verdict(path, content, *keys) is Verdict.WHOLE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def compressed() -> bytes:
    return ZstdCompressor(write_checksum=True).compress(b"".join(a_file(EVENTS)))


def a_checkpoint(size: int, status: str = "s") -> str:
    """Return the checkpoint that somebody holds of a ledger that began with events of such a status."""
    events = a_ledger(*(an_event(order_id=f"A-{n % 2}", status=f"{status}{n}") for n in range(7)))
    frontier = Frontier()
    for before, event in zip(EVENTS, events, strict=True):
        if event.position <= size:
            frontier.add(leaf_hash_of(ACME, event._replace(event_id=before.event_id)))
    return Checkpoint(ORIGIN, size, frontier.root()).signed([a_signer()])


def a_proof(*events: RecordedEvent, origin: str = ORIGIN) -> dict[str, object]:
    """Return the proof that these events are among all."""
    leaves = [leaf_hash_of(ACME, event) for event in EVENTS]

    def root(of: Range) -> bytes:
        frontier = Frontier()
        for leaf in leaves[of.start : of.end]:
            frontier.add(leaf)
        return frontier.root()

    checkpoint = Checkpoint(origin, len(EVENTS), root(Range(0, len(EVENTS))))
    return {
        "format": FORMAT,
        "checkpoint": checkpoint.signed([a_signer(origin=origin)]),
        "keys": [str(a_signer(origin=origin).verifier)],
        "events": [
            {
                **leaf_fields(ACME, event),
                "proof": [b64encode(root(of)).decode() for of in inclusion_path(event.position - 1, len(EVENTS))],
            }
            for event in events
        ],
    }


ORDER = EVENTS[::2]


def changed(content: bytes) -> bytes:
    """Return a file in which an event is another."""
    lines = content.splitlines(keepends=True)
    lines[2] = edited(lines[2], data=b64encode(b"{}").decode())
    return b"".join(lines)


def plain() -> bytes:
    return b"".join(a_file(EVENTS, sealed=(3,)))
