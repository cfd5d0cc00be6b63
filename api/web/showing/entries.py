"""The entries of a timeline as a page shows them: what happened, how it turned out, who did it, and when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from api.web.showing.calls import call_span
from api.web.showing.moments import CLOCKS_AGREE, day_of, span
from api.web.showing.wording import GONE, Tone, code_tone, look_of, tone_of, words
from application.ledger.port import RecordedEvent
from application.privacy.legible import legible
from application.views.hints import hint
from application.views.projections.timeline import kind_of
from application.views.queries import TimelineEntry
from domain.events.catalogue import is_ours
from domain.events.integration import ExceptionLogged
from domain.events.lifecycle import Created
from domain.events.records import ServiceEventRecorded, SystemLogRecorded
from domain.events.split import Split, SplitFrom
from domain.streams import integration_id_of, order_id_of

_HIDDEN = {"content", "options", "custom_data", "metadata", "implied_by", "is_masked", "created_at", "state"}
"""Fields that an entry leaves to the page of its event."""
_OWN = {ServiceEventRecorded.topic: {"service"}, Created.topic: {"customer", "totals"}}


class EntryStep(NamedTuple):
    """What has become of something, and what it was before, if that is known."""

    before: str | None
    after: str
    tone: Tone


class Difference(NamedTuple):
    """A value before and after."""

    label: str
    before: Any
    after: Any


class EntryActor(NamedTuple):
    """Who did it, as far as the event says."""

    name: Any = None
    id: Any = None
    type: Any = None


class ShownEntry(NamedTuple):
    """One entry."""

    event: RecordedEvent
    kind: str
    group: int
    title: str
    icon: str
    tone: Tone
    step: EntryStep | None
    summary: Any
    facts: Sequence[tuple[str, Any]]
    differences: Sequence[Difference]
    actor: EntryActor
    correlation_id: str | None
    link: tuple[str, str] | None
    """The text and the address of the page that says more."""
    data: dict[str, Any] | None
    unreadable: str | None

    @property
    def position(self) -> int:
        return self.event.position

    @property
    def recorded_later(self) -> str | None:
        """How much later than it occurred it was recorded, or earlier; None if the clocks about agree."""
        late = self.event.recorded_at - self.event.occurred_at
        if abs(late) <= CLOCKS_AGREE:
            return None
        return f"{span(abs(late))} {'later' if late > CLOCKS_AGREE else 'earlier'}"


class Run(NamedTuple):
    """Entries that follow each other and belong to the same request or process."""

    correlation_id: str | None
    entries: Sequence[ShownEntry]


class Day(NamedTuple):
    """The entries of a day."""

    day: str
    first: datetime
    runs: Sequence[Run]


def shown_entries(page: Sequence[TimelineEntry], before: Mapping[str, str]) -> list[ShownEntry]:
    """Return a page's entries, which are the newest first. before says what had become of things before the page."""
    shown: list[ShownEntry] = []
    known = dict(before)
    for entry in reversed(page):
        one = shown_event(entry.event, kind=entry.kind, group=entry.group, before=known)
        if one.step is not None:
            known[_thing(entry.event.type, one.data or {})] = one.step.after
        shown.append(one)
    return shown[::-1]


def shown_event(
    event: RecordedEvent, *, kind: str | None = None, group: int | None = None, before: Mapping[str, str] = {}
) -> ShownEntry:
    """Return an event of a ledger as an entry."""
    data, metadata, unreadable = legible(event) if is_ours(event.type) else (None, {}, None)
    fields, look = data or {}, look_of(event.type)
    was = before.get(_thing(event.type, fields))
    step = (
        EntryStep(was if was != fields.get(look.step or "") else None, str(fields[look.step]), "quiet")
        if (look.step in fields)
        else None
    )
    title, tone, summary, link = look.title, look.tone, fields.get(look.summary or ""), _link(event, fields)
    match event.type:
        case ServiceEventRecorded.topic:
            title, tone = words(str(fields.get("service", title))), tone_of(fields.get("state"))
        case SystemLogRecorded.topic:
            title, tone, step = _call(fields)
        case ExceptionLogged.topic:
            title, _, step = _failure(fields)
            summary = hint(fields.get("exception_type"), fields.get("response_code"), fields.get("exception"))
        case _ if step is not None:
            tone = tone_of(step.after)
    return ShownEntry(
        event=event,
        kind=kind or kind_of(event.type),
        group=group or event.position,
        title=title,
        icon=look.icon,
        tone=tone,
        step=step and step._replace(tone=tone),
        summary=summary,
        facts=list(_facts(event.type, fields, {look.step, look.summary})),
        differences=list(_differences(fields)),
        actor=_actor(metadata.get("actor", {})),
        correlation_id=metadata.get("correlation_id"),
        link=link,
        data=data,
        unreadable=unreadable,
    )


def _actor(told: Mapping[str, Any]) -> EntryActor:
    """Return an actor of whom events store only what is known."""
    return EntryActor(told.get("name"), told.get("id"), told.get("type"))


def _thing(event_type: str, fields: Mapping[str, Any]) -> str:
    """Return the name of that which a step is of: each service has its own."""
    return f"{event_type}/{fields.get('service', '')}"


def _call(fields: Mapping[str, Any]) -> tuple[str, Tone, EntryStep | None]:
    code = fields.get("response_code")
    tone = code_tone(code)
    return (
        _request(fields.get("request_method"), fields.get("request_url")),
        tone,
        EntryStep(None, "no answer" if code is None else str(code), tone),
    )


def _failure(fields: Mapping[str, Any]) -> tuple[str, Tone, EntryStep | None]:
    kind = str(fields.get("exception_type") or fields.get("response_code") or "no answer")
    url = fields.get("full_url") or fields.get("base_url")
    return _request(fields.get("method"), url), "bad", EntryStep(None, kind.rpartition(".")[2], "bad")


def _request(method: Any, url: Any) -> str:
    """Return a request's first line, without the scheme and the query."""
    if not url or url in GONE:
        return str(method or "Call")
    try:
        parts = urlsplit(str(url))
    except ValueError:
        return f"{method or ''} {url}".strip()
    return f"{method or ''} {parts.netloc}{parts.path}".strip()


def _link(event: RecordedEvent, fields: Mapping[str, Any]) -> tuple[str, str] | None:
    match event.type:
        case SystemLogRecorded.topic:
            return "Open the call", f"/ui/orders/{quote(order_id_of(event.stream), safe='')}/calls/{event.position}"
        case ExceptionLogged.topic:
            return "Open the call", f"/ui/integrations/{integration_id_of(event.stream)}/calls/{event.position}"
        case Split.topic if "child_order_id" in fields:
            return "Open the new order", f"/ui/orders/{quote(str(fields['child_order_id']), safe='')}"
        case SplitFrom.topic if "parent_order_id" in fields:
            return "Open that order", f"/ui/orders/{quote(str(fields['parent_order_id']), safe='')}"
        case _:
            return None


def _facts(event_type: str, fields: Mapping[str, Any], told: set[str | None]) -> Iterator[tuple[str, Any]]:
    """Yield what else an event says, as far as it is short."""
    if event_type == SystemLogRecorded.topic:
        yield from ((label, value) for label, value in _call_facts(fields) if value)
        return
    if event_type == ExceptionLogged.topic:
        return
    for name, value in fields.items():
        is_short = isinstance(value, bool | int | float) or (isinstance(value, str) and 0 < len(value) < 120)
        if is_short and name not in told | _HIDDEN | _OWN.get(event_type, set()) and value is not False:
            yield words(name), value


def _call_facts(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "Took", call_span(fields)
    yield "Carrier", fields.get("carrier_id")
    yield "Direction", fields.get("direction")
    yield "For", words(str(fields.get("request_type") or "").lower())


def _differences(fields: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the pairs of values before and after that an event holds."""
    for name, value in fields.items():
        if isinstance(value, dict) and value.keys() == {"before", "after"}:
            yield Difference(words(name), value["before"], value["after"])
    if {"original_customer", "new_customer"} <= fields.keys():
        yield Difference("Customer", _name(fields["original_customer"]), _name(fields["new_customer"]))


def _name(customer: Any) -> Any:
    return (customer.get("name") or customer.get("id")) if isinstance(customer, dict) else customer


def by_day(entries: Iterable[ShownEntry]) -> list[Day]:
    """Return entries grouped by the reader's days and, within a day, by what they belong to."""
    days: list[tuple[str, list[list[ShownEntry]]]] = []
    for entry in entries:
        day = day_of(entry.event.occurred_at)
        if not days or days[-1][0] != day:
            days.append((day, []))
        runs = days[-1][1]
        if runs and entry.correlation_id is not None and runs[-1][-1].correlation_id == entry.correlation_id:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return [
        Day(day, runs[0][0].event.occurred_at, [Run(run[0].correlation_id, run) for run in runs]) for day, runs in days
    ]
