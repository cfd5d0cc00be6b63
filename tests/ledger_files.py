"""Files of ledgers, made by hand: signed with keys that only tests know."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from application.ledger.port import RecordedEvent
from application.ledger_file.lines import Header, Trailer, checkpoint_line, event_line, header_line, trailer_line
from application.ledger_file.reading import Checked, LedgerFile
from application.transparency.checkpoint import Checkpoint
from application.transparency.leaf import leaf_hash_of
from application.transparency.note import Signer
from application.transparency.tree import Frontier
from domain.values import TenantName
from infrastructure.ledger.seen import open_seen
from tests.builders import ACME

ORIGIN = "ordertrail/0011223344556677/acme"


def a_signer(name: str = "theirs", origin: str = ORIGIN) -> Signer:
    return Signer(origin, sha256(name.encode()).digest())


def a_file(
    events: Sequence[RecordedEvent],
    *,
    sealed: Iterable[int] = (),
    signers: Sequence[Signer] | None = None,
    tenant: TenantName = ACME,
) -> list[bytes]:
    """Return the lines of a file, sealed at these sizes and at its end."""
    signers = signers or [a_signer()]
    sizes = {*sealed, len(events)}
    frontier, checkpoints = Frontier(), 0
    lines = [header_line(Header(tenant, ORIGIN, [signer.verifier for signer in signers], len(events)))]
    for size, event in enumerate(events, start=1):
        lines.append(event_line(tenant, event))
        frontier.add(leaf_hash_of(tenant, event))
        if size in sizes:
            lines.append(checkpoint_line(Checkpoint(ORIGIN, size, frontier.root()).signed(signers)))
            checkpoints += 1
    return [*lines, trailer_line(Trailer(len(events), checkpoints, frontier.root()))]


@contextmanager
def opened(lines: Iterable[bytes], *trusted: Signer) -> Iterator[LedgerFile]:
    with open_seen() as seen:
        yield LedgerFile(iter(lines), seen, trusted=[signer.verifier for signer in trusted])


def checked(lines: Iterable[bytes], *trusted: Signer) -> Checked:
    """Return what a file was found to hold. Raises FileDamaged."""
    with opened(lines, *trusted) as file:
        return file.checked()


def edited(line: bytes, **changed: Any) -> bytes:
    """Return a line with other members."""
    return json.dumps({**json.loads(line), **changed}).encode() + b"\n"
