"""Reads a ledger's file from its first line to its last. Every part is checked before it is handed on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from application.ledger.port import RecordedEvent
from application.ledger_file.lines import FileDamaged, Header, Trailer, event_of, header_of, note_of, trailer_of
from application.runtime.strict_json import DuplicateMember, from_strict_json
from application.transparency.audit.trusted_checkpoints import Held, NotContinued
from application.transparency.checkpoint import Checkpoint
from application.transparency.leaf import leaf_hash_of
from application.transparency.note import CannotCheck, InvalidNote, NotSigned, Verifier
from application.transparency.tree import Frontier

PAGE = 2_000
PAGE_BYTES = 8 * 2**20


class Seen(Protocol):
    """The streams and event ids of a file so far. Few of them are in memory, whatever their number."""

    def newest_versions(self, streams: Collection[str]) -> Mapping[str, int]:
        """Return the newest version of each of these streams that were seen."""

    def add(self, versions: Mapping[str, int], event_ids: Sequence[str]) -> bool:
        """Record newest versions and new ids; return whether all of these ids are new."""


class Checked(NamedTuple):
    """The contents of a checked file."""

    header: Header
    trailer: Trailer
    last_note: str | None


class LedgerFile:
    """One pass over a file's lines, in constant memory.

    Raises FileDamaged if something differs from what was signed. Raises CannotCheck if this is no such file, if it was
    cut off, or if no trusted key signed it; then nothing in it contradicts what was signed.
    """

    def __init__(
        self, lines: Iterator[bytes], seen: Seen, *, trusted: Sequence[Verifier] = (), held: Sequence[str] = ()
    ) -> None:
        """Read the header.

        If keys are trusted, one of them must have signed all of the file; if none is, the file's own keys are used.
        held are checkpoints from elsewhere, which the file must continue.
        """
        self._lines = lines
        self._seen = seen
        self._trusted = trusted
        self._number = 0
        self._frontier = Frontier()
        self._last_time: datetime | None = None
        self._last_note: str | None = None
        self._sealed = 0
        self._checkpoints = 0
        self.header = self._header()
        self._tenant = self.header.tenant
        with _as_damage():
            self._held = Held(held, self.header.origin, trusted or self.header.keys)
            self._held.compare(0, self._frontier.root())

    def _header(self) -> Header:
        try:
            first = self._next_fields()
        except FileDamaged as wrong:
            raise CannotCheck(f"Ordertrail did not write it: {wrong}") from wrong
        if first is None:
            raise CannotCheck("it is empty")
        try:
            return header_of(first)
        except InvalidNote as wrong:
            raise self._damaged(str(wrong)) from wrong

    def pages(self) -> Iterator[list[RecordedEvent]]:
        """Yield the events in ledger order. The file is known to be whole only after all of them were taken."""
        page, size = [], 0
        while (fields := self._next_fields()) is not None and "events" not in fields:
            try:
                if "checkpoint" in fields:
                    self._checkpoint(note_of(fields))
                    continue
                event = self._event(fields)
            except (FileDamaged, InvalidNote) as wrong:
                raise self._damaged(str(wrong)) from wrong
            page.append(event)
            size += len(event.data) + len(event.metadata)
            if len(page) == PAGE or size >= PAGE_BYTES:
                yield self._in_order(page)
                page, size = [], 0
        if page:
            yield self._in_order(page)
        self._end(fields)

    def checked(self) -> Checked:
        """Read the rest of the file, and return its contents."""
        for _ in self.pages():
            pass
        return self.result()

    def result(self) -> Checked:
        """Return the file's contents, once all pages were taken."""
        trailer = Trailer(self._frontier.size, self._checkpoints, self._frontier.root())
        return Checked(self.header, trailer, self._last_note)

    def _next_fields(self) -> dict[str, Any] | None:
        """Return the next line's members; None at the end of the file. The last line may lack its newline."""
        line = next(self._lines, None)
        if line is None:
            return None
        self._number += 1
        try:
            fields = from_strict_json(line)
        except DuplicateMember as exc:
            raise self._damaged(str(exc)) from exc
        except ValueError as exc:
            if line.endswith(b"\n"):
                raise self._damaged(f"it is not JSON: {exc}") from exc
            raise CannotCheck(
                f"it was cut off, or Ordertrail did not write it: it ends within line {self._number}"
            ) from exc
        if not isinstance(fields, dict):
            raise self._damaged("it is not a JSON object")
        return fields

    def _event(self, fields: dict[str, Any]) -> RecordedEvent:
        tenant, event = event_of(fields)
        expected = self._frontier.size + 1
        if tenant != self._tenant:
            raise FileDamaged(f"the event belongs to another tenant, {tenant!r}")
        if event.position != expected:
            raise FileDamaged(f"position {expected} is missing; here is position {event.position}")
        if "\0" in event.stream + event.event_id + event.type:
            raise FileDamaged(f"position {expected} has a NUL character, which no ledger can hold")
        if self._last_time is not None and event.recorded_at < self._last_time:
            raise FileDamaged(f"position {expected} has an earlier time of recording than the event before it")
        self._last_time = event.recorded_at
        self._frontier.add(leaf_hash_of(tenant, event))
        if self._held.next_size == expected:
            with _as_damage():
                self._held.compare(expected, self._frontier.root())
        return event

    def _checkpoint(self, note: str) -> None:
        checkpoint = Checkpoint.verified(note, [*self._trusted, *self.header.keys])
        size = self._frontier.size
        if (checkpoint.origin, checkpoint.size) != (self.header.origin, size) or size <= self._sealed:
            raise FileDamaged(
                f"after {size} events comes a checkpoint of {checkpoint.size} events of {checkpoint.origin}"
            )
        if checkpoint.root != self._frontier.root():
            raise FileDamaged(f"at least one of events {self._sealed + 1} to {size} differs from what was signed")
        self._sealed, self._last_note = size, note
        self._checkpoints += 1

    def _in_order(self, page: list[RecordedEvent]) -> list[RecordedEvent]:
        """Return a page if each stream continues where it was. Raises FileDamaged."""
        versions = dict(self._seen.newest_versions({event.stream for event in page}))
        for event in page:
            before = versions.get(event.stream)
            # The streams of the eventsourcing library may begin with version 0.
            if event.version not in ((0, 1) if before is None else (before + 1,)):
                follows = "is its first" if before is None else f"follows version {before}"
                raise FileDamaged(f"position {event.position}: version {event.version} of {event.stream} {follows}")
            versions[event.stream] = event.version
        if not self._seen.add(versions, [event.event_id for event in page]):
            raise FileDamaged(f"positions {page[0].position} to {page[-1].position}: two events have the same id")
        return page

    def _end(self, fields: dict[str, Any] | None) -> None:
        if fields is None:
            raise CannotCheck(
                f"it was cut off: it ends after {self._frontier.size} of {self.header.size} events, with no last line"
            )
        try:
            trailer = trailer_of(fields)
        except FileDamaged as wrong:
            raise self._damaged(str(wrong)) from wrong
        found = self.result().trailer
        if trailer != found or self.header.size != found.events:
            raise self._damaged(
                f"the file has {found.events} events and {found.checkpoints} checkpoints, "
                "but its last line says otherwise"
            )
        if self._sealed != found.events:
            raise self._damaged(f"events {self._sealed + 1} to {found.events} are not signed")
        if any(line.strip() for line in self._lines):
            raise FileDamaged(f"line {self._number + 1}: nothing should follow the last line")
        with _as_damage():
            self._held.end(found.events)
        if self._trusted and self._last_note is not None:
            try:
                Checkpoint.verified(self._last_note, self._trusted)
            except NotSigned as others:
                raise CannotCheck(f"its last checkpoint is signed with other keys: {others}") from others
            except InvalidNote as wrong:
                raise FileDamaged(f"its last checkpoint: {wrong}") from wrong

    def _damaged(self, what: str) -> FileDamaged:
        return FileDamaged(f"line {self._number}: {what}")


@contextmanager
def _as_damage() -> Iterator[None]:
    try:
        yield
    except NotContinued as wrong:
        raise FileDamaged(str(wrong)) from wrong
