"""The command line's work with files: it writes ledgers and orders to them, checks them, and imports them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from api.bootstrap import open_seen, open_services
from api.cli.files.compression import lines_of, new_file
from api.cli.files.trusted_keys import published_keys, trust_lines
from api.cli.maintenance import InvalidArgument, create_tenant
from api.cli.terminal.progress import progress
from api.cli.terminal.tables import printable
from application.ledger.port import RecordedEvent
from application.ledger_file.lines import FORMAT, MAX_LINE, FileDamaged
from application.ledger_file.proof import Proven, check_proof
from application.ledger_file.reading import Checked, LedgerFile
from application.runtime.strict_json import DuplicateMember, from_strict_json
from application.transparency.audit.walk import Show
from application.transparency.note import CannotCheck, Verifier
from application.transparency.order_proof import OrderProof, written
from domain.errors import TenantExists
from domain.values import TenantName


async def export_ledger(dsn: str, tenant: TenantName, path: Path, *, plain: bool) -> None:
    """Write a tenant's ledger to a file. Raises TenantNotFound, FileDamaged if the ledger is not as it was signed."""
    found: list[Checked] = []

    def check(part: Path) -> None:
        try:
            found.append(_read(part, begin("checking")))
        except FileDamaged as wrong:
            raise FileDamaged(
                f"The ledger of {tenant} is not what was signed: {wrong}; run ordertrail verify"
            ) from wrong

    async with open_services(dsn) as services:
        with progress() as begin, new_file(path, plain=plain, check=check) as file:
            show = begin("writing")
            async for written, size, lines in services.ledger_export.lines(tenant):
                file.write(b"".join(lines))
                show(written, size)
        left_out = await services.store.head(tenant) - found[0].header.size
    print(f"{path}: {_description(found[0])}")
    if left_out:
        print(f"{left_out} newer events are left out: they are not sealed yet")


async def export_order(dsn: str, tenant: TenantName, order: str, path: Path, *, plain: bool) -> None:
    """Write an order's events to a file, with the proof of each. Raises TenantNotFound, OrderNotFound, NotSealed."""
    async with open_services(dsn) as services:
        await services.ledger_export.seal(tenant)
        order_id = await services.time_travel.order_id(tenant, order)
        proof = await services.proofs.of_order(tenant, order_id)
        checked = _Checked(proof)
        with new_file(path, plain=plain, check=lambda _: None) as file:
            async for part in written(proof.head, checked.pages()):
                file.write(part)
            file.write(b"\n")
    print(f"{path}: {checked.description()}")


class _Checked:
    """Checks an order's proof, page by page as it is written, in the same way as its receiver would."""

    def __init__(self, proof: OrderProof) -> None:
        self._proof = proof
        self._ends: list[Proven] = []
        """The results of the first page and the last."""

    async def pages(self) -> AsyncIterator[Sequence[Any]]:
        """Yield the proof's events. Raises FileDamaged."""
        async for page in self._proof.pages():
            proven = check_proof({**self._proof.head, "events": page})
            first, last = proven.events[0], proven.events[-1]
            if self._ends and first.version != (before := self._ends[-1].events[-1].version) + 1:
                raise FileDamaged(f"versions of {first.stream} are missing between {before} and {first.version}")
            self._ends = [*self._ends[:1], proven._replace(events=[first, last])]
            yield page

    def description(self) -> str:
        """Describe what was proven."""
        first, last = self._ends[0], self._ends[-1]
        return _proof_description(last._replace(events=[first.events[0], last.events[-1]]))


class Verdict(IntEnum):
    """The result of checking a file; its value is the command's exit status."""

    WHOLE = 0
    DAMAGED = 1
    NOT_CHECKED = 2


def verify_file(path: Path, keys: Sequence[str], held: Sequence[str] = ()) -> Verdict:
    """Check a file with nothing but itself and these keys, and print the result.

    held are checkpoints from elsewhere, which an exported ledger must continue. Raises CannotCheck if a key is
    malformed.
    """
    trusted = published_keys(keys)
    try:
        with progress() as begin:
            print(printable(f"{path}: {_verified(path, begin(path.name), trusted, held)}"))
    except FileDamaged as wrong:
        print(printable(f"{path}: DAMAGED: {wrong}"))
        return Verdict.DAMAGED
    except CannotCheck as why:
        print(printable(f"{path}: NOT CHECKED: {why}"))
        return Verdict.NOT_CHECKED
    return Verdict.WHOLE


async def import_ledger(dsn: str, path: Path, keys: Sequence[str]) -> None:
    """Add to a ledger the events of a file that it lacks, once the whole file was checked.

    The tenant is created if it is missing. Raises FileDamaged, CannotCheck, CannotImport.
    """
    trusted = published_keys(keys)
    with progress() as begin:
        try:
            checked = _read(path, begin("checking"), trusted)
        except FileDamaged as wrong:
            raise FileDamaged(f"{path} is damaged, and nothing of it was imported: {wrong}") from wrong
        except CannotCheck as why:
            raise CannotCheck(f"{path} cannot be checked, and nothing of it was imported: {why}") from why
        tenant = checked.header.tenant
        with suppress(TenantExists):
            await create_tenant(dsn, tenant, is_implicit=False, dintero_account=None, may_return=True)
            print(f"Tenant {tenant} was created")
        async with open_services(dsn, as_owner=True) as services:
            with _opened(path, trusted) as file:
                imported = await services.ledger_import.add(file, begin("importing"))
    new = imported.now - imported.before
    print(f"{tenant}: {new} events imported, {imported.before} were there; root {_root(checked)}")
    print(_signature_lines(checked.header.keys, trusted, is_signed=checked.trailer.checkpoints > 0))


@contextmanager
def _opened(path: Path, trusted: Sequence[Verifier] = (), held: Sequence[str] = ()) -> Iterator[LedgerFile]:
    with lines_of(path) as lines, open_seen() as seen:
        yield LedgerFile(lines, seen, trusted=trusted, held=held)


def _read(path: Path, show: Show, trusted: Sequence[Verifier] = (), held: Sequence[str] = ()) -> Checked:
    """Check a file of a ledger from its first line to its last. Raises FileDamaged, CannotCheck."""
    with _opened(path, trusted, held) as file:
        for page in file.pages():
            show(page[-1].position, file.header.size)
        return file.result()


def _verified(path: Path, show: Show, trusted: Sequence[Verifier], held: Sequence[str]) -> str:
    """Describe what a file proves. Raises FileDamaged, CannotCheck."""
    with lines_of(path) as lines:
        first = next(lines, b"")
        if not first:
            raise CannotCheck("it is empty")
        if _format(first) != FORMAT:
            if held:
                raise InvalidArgument("--checkpoint needs the file of a whole ledger, and this file is a proof")
            proven = check_proof(_document(chain([first], lines)), trusted=trusted)
            told = "\n".join(map(_event_text, proven.events))
            return f"{_proof_description(proven)}\n{told}\n{_signature_lines(proven.keys, trusted, is_signed=True)}"
    checked = _read(path, show, trusted, held)
    whose_word = _signature_lines(checked.header.keys, trusted, held, is_signed=checked.trailer.checkpoints > 0)
    return "\n".join([_description(checked), whose_word])


def _format(line: bytes) -> str | None:
    """Return the format in a file's first line; None if it names none."""
    try:
        fields = from_json(line)
    except ValueError:
        return None
    return fields.get("format") if isinstance(fields, dict) else None


def _document(lines: Iterator[bytes]) -> dict[str, Any]:
    """Return the JSON object that a whole file is. Raises CannotCheck, FileDamaged."""
    text = bytearray()
    for line in lines:
        text += line
        if len(text) > MAX_LINE:
            raise CannotCheck("Ordertrail did not write it")
    try:
        document = from_strict_json(text)
    except DuplicateMember as exc:
        raise FileDamaged(str(exc)) from exc
    except ValueError as exc:
        raise CannotCheck(f"it was cut off, or Ordertrail did not write it: {exc}") from exc
    if not isinstance(document, dict):
        raise CannotCheck("Ordertrail did not write it")
    return document


def _description(checked: Checked) -> str:
    trailer = checked.trailer
    return (
        f"events 1 to {trailer.events} of {checked.header.tenant} are whole and in order, "
        f"under {trailer.checkpoints} checkpoints of {checked.header.origin}; root {_root(checked)}"
    )


def _proof_description(proven: Proven) -> str:
    streams = ", ".join(
        f"versions {of_one[0]} to {of_one[-1]} of {stream}" for stream, of_one in proven.versions().items()
    )
    return f"{streams} are in {proven.checkpoint.origin} as it was signed with {proven.checkpoint.size} events"


def _event_text(event: RecordedEvent) -> str:
    data = event.data.decode(errors="backslashreplace")
    recorded_at = f"{event.recorded_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"  {event.position}  {recorded_at}  {event.stream} {event.version}  {event.type}  {data}"


def _root(checked: Checked) -> str:
    return checked.trailer.root.hex()


def _signature_lines(
    keys: Sequence[Verifier], trusted: Sequence[Verifier], held: Sequence[str] = (), *, is_signed: bool
) -> str:
    lines = trust_lines(trusted, held, is_signed=is_signed)
    if not trusted:
        lines += [
            "CAUTION: the signature was checked with the keys that the file itself names, which proves nothing against",
            "whoever made it. Compare them with what you have from elsewhere, or give one of those with --key:",
        ]
        lines += [f"  {key}" for key in keys]
    return "\n".join(lines)
