"""Events that are told: those that were recorded before are known by their ids, and compared as values."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from application.ledger.codec import erased_of
from application.ledger.outcome import Recorded, RecordedRef, recorded, replayed
from application.ledger.port import Append, Draft, EventStore, RecordedEvent, Storable, Write
from application.runtime.request_context import note_write
from domain.errors import EventIdReused
from domain.events.catalogue import CATALOGUE
from domain.personal import Shape, places, shape_of
from domain.values import TenantName

MAX_TRIES = 5
"""How often it is tried to record what is new of an append, because more of it became known in between."""

Known = Mapping[str, RecordedEvent]
"""Events that were recorded before, by their ids."""


async def tell(store: EventStore, append: Append) -> Recorded:
    """Record what is new of an append, and return where all of it stands. Raises what EventStore.append raises.

    A ledger compares what it stored byte by byte, which is quick, and an append as a whole. Where it finds a difference
    it is looked here whether the same was told in other words, such as 1.0 for 1, or before it was erased.
    """
    known: Known = {}
    for left in range(MAX_TRIES - 1, -1, -1):
        rest = append._replace(writes=new_of(append.writes, known)) if known else append
        try:
            if not rest.writes:
                return await _told_before(store, append, known)
            appended = await store.append(rest)
        except EventIdReused:
            found = await find_known(store, append.tenant, append.writes)
            if not left or len(found) == len(known):
                raise
            known = found
        else:
            if not appended.is_replayed:
                return with_known(recorded(rest, appended), known)
            result = await replayed(store, append.tenant, appended)
            if len(result.events) < sum(len(write.events) for write in append.writes):
                # The key of a request of which some was known before it.
                known = await find_known(store, append.tenant, append.writes)
            return with_known(result, known)
    raise AssertionError


async def _told_before(store: EventStore, append: Append, known: Known) -> Recorded:
    """Return where an append stands whose events are all known. Its key is used from now on."""
    result = with_known(None, known)
    if append.key is not None:
        await store.bind_request(append.tenant, append.key, result.position, result.recorded_at)
    return result


async def find_known(store: EventStore, tenant: TenantName, writes: Sequence[Write]) -> Known:
    """Return those events of some writes that were recorded before. Raises EventIdReused if one said something else."""
    told = {event.event_id: (write.stream, event) for write in writes for event in write.events}
    known = {event.event_id: event for event in await store.find_events(tenant, list(told))}
    if known:
        note_write()
    others = [event_id for event_id, event in known.items() if not _is_same(*told[event_id], event)]
    if others:
        raise EventIdReused(tuple(others))
    return known


def new_of(writes: Sequence[Write], known: Known) -> tuple[Write, ...]:
    """Return the writes of the events that are not known."""
    rest = [w._replace(events=tuple(e for e in w.events if e.event_id not in known)) for w in writes]
    return tuple(write for write in rest if write.events)


def with_known(result: Recorded | None, known: Known) -> Recorded:
    """Return what was recorded now and before, in ledger order; it is replayed if nothing is new."""
    if not known:
        assert result is not None
        return result
    refs = {e.position: RecordedRef(e.event_id, e.type, e.stream, e.version, e.position) for e in known.values()}
    refs |= {ref.position: ref for ref in (result.events if result else ())}
    in_order = tuple(refs[position] for position in sorted(refs))
    if result is not None:
        return result._replace(events=in_order)
    return Recorded(in_order, min(event.recorded_at for event in known.values()), is_replayed=True)


def _is_same(stream: str, told: Storable, known: RecordedEvent) -> bool:
    """Return whether an event says what one says that was recorded before, as far as that was not erased."""
    if (known.stream, known.type) != (stream, told.type):
        return False
    try:
        ours = told.data if isinstance(told, Draft) and isinstance(told.data, dict) else from_json(told.written().data)
        theirs = from_json(known.data)
    except ValueError:
        return False  # it is no JSON, and its bytes were compared already
    event_class = CATALOGUE.get(told.type)
    if event_class is not None and isinstance(ours, dict) and isinstance(theirs, dict):
        ours, theirs = _as_erased(ours, theirs, shape_of(event_class), erased_of(known))
    return _is_equal(ours, theirs)


def _as_erased(
    ours: dict[str, Any], theirs: dict[str, Any], shape: Shape, paths: frozenset[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both with what was erased of theirs, at these paths, erased of ours too."""
    ours, theirs = {**ours}, {**theirs}
    erased = {path: holder[name] for holder, name, _, path in places(theirs, shape) if path in paths}
    for holder, name, _, path in places(ours, shape):
        if path in erased:
            holder[name] = erased[path]
    return ours, theirs


def _is_equal(one: Any, other: Any) -> bool:
    """Return whether two values of JSON are the same: members in any order, and 1 is 1.0, but true is not 1."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(_is_equal(value, other[name]) for name, value in one.items())
        case list(), list():
            return len(one) == len(other) and all(map(_is_equal, one, other))
        case _:
            return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
