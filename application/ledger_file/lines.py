"""The lines of a ledger's file. docs/ledger-file.md describes them for others."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic_core import to_json

from application.ledger.port import RecordedEvent
from application.transparency.note import CannotCheck, Verifier
from application.transparency.proofs import leaf_fields
from domain.errors import OrdertrailError
from domain.values import TenantName

FORMAT = "ordertrail-export"
VERSION = 1
MAX_LINE = 128 * 2**20
"""The largest line in bytes. An event may be as large as a request may be, and base64 adds a third."""

_HEADER = {"format": str, "version": int, "tenant": str, "origin": str, "keys": list, "from": int, "to": int}
_EVENT = {
    "tenant": str,
    "position": int,
    "stream": str,
    "version": int,
    "event_id": str,
    "type": str,
    "occurred_at": str,
    "recorded_at": str,
    "data": str,
    "metadata": str,
}
_TRAILER = {"events": int, "checkpoints": int, "root": str}


class FileDamaged(OrdertrailError):
    """The file is not as it was written."""


class Header(NamedTuple):
    """The ledger's tenant, its name in checkpoints, the keys that signed these, and how many events follow."""

    tenant: TenantName
    origin: str
    keys: Sequence[Verifier]
    size: int


class Trailer(NamedTuple):
    """A summary of the file, and the root of its events' tree."""

    events: int
    checkpoints: int
    root: bytes


def header_line(header: Header) -> bytes:
    """Return the first line."""
    keys = [str(key) for key in header.keys]
    fields = {"format": FORMAT, "version": VERSION, "tenant": header.tenant, "origin": header.origin, "keys": keys}
    return _line({**fields, "from": 1, "to": header.size})


def event_line(tenant: TenantName, event: RecordedEvent) -> bytes:
    """Return the line of an event."""
    return _line(leaf_fields(tenant, event))


def checkpoint_line(note: str) -> bytes:
    """Return the line of a signed checkpoint, which follows the last event that it covers."""
    return _line({"checkpoint": note})


def trailer_line(trailer: Trailer) -> bytes:
    """Return the last line."""
    return _line({**trailer._asdict(), "root": b64encode(trailer.root).decode()})


def header_of(fields: dict[str, Any]) -> Header:
    """Return the header in a first line. Raises CannotCheck if it is no header of ours, InvalidNote if a key is
    malformed.
    """
    if (told := _otherwise(fields, _HEADER)) is not None:
        raise CannotCheck(f"Ordertrail did not write it: {told}")
    if (fields["format"], fields["version"], fields["from"]) != (FORMAT, VERSION, 1):
        raise CannotCheck(f"this release does not know its format {fields['format']!r}, version {fields['version']}")
    keys = [Verifier.parse(str(key)) for key in fields["keys"]]
    return Header(TenantName(fields["tenant"]), fields["origin"], keys, fields["to"])


def event_of(fields: dict[str, Any]) -> tuple[TenantName, RecordedEvent]:
    """Return an event and its tenant. Raises FileDamaged."""
    _check(fields, _EVENT)
    tenant, position, stream, version, event_id, event_type, occurred_at, recorded_at, data, metadata = map(
        fields.__getitem__, _EVENT
    )
    try:
        times = _moment(occurred_at), _moment(recorded_at)
        bytes_ = b64decode(data, validate=True), b64decode(metadata, validate=True)
    except ValueError as exc:
        raise FileDamaged(f"an event has {exc}") from exc
    return TenantName(tenant), RecordedEvent(position, stream, version, event_id, event_type, *bytes_, *times)


def note_of(fields: dict[str, Any]) -> str:
    """Return the signed checkpoint in a line. Raises FileDamaged."""
    _check(fields, {"checkpoint": str})
    return str(fields["checkpoint"])


def trailer_of(fields: dict[str, Any]) -> Trailer:
    """Return the summary in a last line. Raises FileDamaged."""
    _check(fields, _TRAILER)
    try:
        return Trailer(fields["events"], fields["checkpoints"], b64decode(fields["root"], validate=True))
    except ValueError as exc:
        raise FileDamaged("the root is not in base64") from exc


def _check(fields: dict[str, Any], expected: dict[str, type]) -> None:
    """Raise FileDamaged unless a line has exactly these members, each of exactly its type."""
    if (told := _otherwise(fields, expected)) is not None:
        raise FileDamaged(told)


def _otherwise(fields: dict[str, Any], expected: dict[str, type]) -> str | None:
    """Return how a line differs from what is expected; None if it has these members, each of exactly its type."""
    if {name: type(value) for name, value in fields.items()} == expected:
        return None
    return f"its members must be {', '.join(expected)}, each of its own type"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    try:
        moment.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("a time that is in no year of UTC") from exc
    return moment


def _line(fields: dict[str, Any]) -> bytes:
    return to_json(fields) + b"\n"
