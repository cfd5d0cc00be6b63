"""What happened, in the words of people: titles, steps, differences, and what stands together."""

from datetime import timedelta
from typing import Any

import pytest

from api.web.showing.entries import by_day, shown_entries, shown_event
from api.web.showing.wording import GONE, gone, initials, look_of, tone_of
from application.views.queries import TimelineEntry
from domain.events.catalogue import CATALOGUE
from domain.events.event import Event
from domain.events.lifecycle import CommentAdded, Edited, StatusUpdated, Transferred
from domain.events.payment import PaymentStatusUpdated
from domain.events.records import SystemLogRecorded
from domain.values import Change
from tests.builders import (
    a_customer,
    a_foreign_event,
    a_moment,
    a_service_event,
    an_event,
    an_exception,
    money,
    recorded,
)


def entries_of(*events: Event, **changed: Any) -> list[TimelineEntry]:
    """Return events as a page of a timeline has them: the newest first."""
    page = [
        TimelineEntry("action", position, recorded(event, position=position))
        for position, event in enumerate(events, start=1)
    ]
    return page[::-1]


@pytest.mark.parametrize("topic", CATALOGUE)
def test_every_type_of_event_has_a_look_of_its_own(topic: str) -> None:
    assert look_of(topic).icon != "dot"


def test_a_status_shows_what_it_was_before() -> None:
    page = entries_of(an_event(StatusUpdated, status="open"), an_event(StatusUpdated, status="completed"))

    newest, oldest = shown_entries(page, {})

    assert newest.step is not None
    assert (newest.step.before, newest.step.after, newest.step.tone) == ("open", "completed", "good")
    assert oldest.step is not None
    assert oldest.step.before is None


def test_what_it_was_before_the_page_is_known_too() -> None:
    page = entries_of(an_event(PaymentStatusUpdated, status="completed"))

    [entry] = shown_entries(page, {"order.payment_status_updated/": "pending"})

    assert entry.step is not None
    assert entry.step.before == "pending"


def test_each_service_has_steps_of_its_own() -> None:
    page = entries_of(a_service_event(service="wms"), a_service_event(service="mail"))

    assert [entry.step and entry.step.before for entry in shown_entries(page, {})] == [None, None]


def test_a_failure_is_shown_as_one() -> None:
    assert shown_event(recorded(a_service_event("error"))).tone == "bad"
    assert shown_event(recorded(an_exception(exception_type="requests.exceptions.SSLError"))).tone == "bad"
    assert shown_event(recorded(an_event(SystemLogRecorded, response_code=503))).tone == "bad"
    assert shown_event(recorded(an_event(SystemLogRecorded))).tone == "bad"  # no answer at all
    assert shown_event(recorded(an_event(SystemLogRecorded, response_code=201))).tone == "good"


def test_amounts_before_and_after_are_differences() -> None:
    change = Change(before=money(100), after=money(200))
    entry = shown_event(recorded(an_event(Edited, total=change, subtotal=change, discount=change)))

    assert [each.label for each in entry.differences] == ["Total", "Subtotal", "Discount"]
    assert entry.differences[0].after["cents"] == 200


def test_a_transfer_is_a_difference_of_customers() -> None:
    event = an_event(Transferred, original_customer=a_customer(), new_customer=a_customer(id="c2", name="Ada"))

    [difference] = shown_event(recorded(event)).differences

    assert (difference.before, difference.after) == ("Grace", "Ada")


def test_a_call_is_titled_by_its_request_without_its_query() -> None:
    event = an_event(
        SystemLogRecorded,
        request_method="POST",
        request_url="https://dhl.example/v2/shipments?key=1",
        request_time=1_700_000_000_000,
        response_time=1_700_000_000_250,
        response_code=200,
    )

    entry = shown_event(recorded(event))

    assert entry.title == "POST dhl.example/v2/shipments"
    assert ("Took", "250 ms") in entry.facts


def test_the_clocks_are_told_where_they_differ() -> None:
    same, late = recorded(an_event(CommentAdded)), recorded(an_event(CommentAdded))
    late = late._replace(recorded_at=late.occurred_at + timedelta(hours=3))

    assert shown_event(same).recorded_later is None
    assert shown_event(late).recorded_later == "3 h later"
    early = late._replace(recorded_at=late.occurred_at - timedelta(minutes=2))
    assert shown_event(early).recorded_later == "2 min earlier"


def test_another_applications_event_is_shown_by_its_name() -> None:
    entry = shown_event(a_foreign_event("library.book_lent"))

    assert (entry.title, entry.data) == ("Book lent", None)


def test_entries_stand_together_by_day_and_by_what_they_belong_to() -> None:
    events = [
        an_event(CommentAdded, correlation_id="c-1", timestamp=a_moment()),
        an_event(CommentAdded, correlation_id="c-1", timestamp=a_moment(60)),
        an_event(CommentAdded, timestamp=a_moment(120)),
        an_event(CommentAdded, correlation_id="c-1", timestamp=a_moment(86_400)),
    ]

    days = by_day(shown_entries(entries_of(*events), {}))

    assert [day.day for day in days] == ["2026-03-02", "2026-03-01"]
    assert [[len(run.entries) for run in day.runs] for day in days] == [[1], [1, 2]]


@pytest.mark.parametrize("value", [*GONE, {"redacted": "[redacted]"}, {"expired": "[expired]"}])
def test_what_is_gone_is_known_by_what_stands_in_its_place(value: Any) -> None:
    assert gone(value) in {"redacted", "expired", "unreadable"}


@pytest.mark.parametrize("value", ["redacted", None, 7, {}, {"a": 1}, ["[redacted]"]])
def test_what_is_there_is_not_gone(value: Any) -> None:
    assert gone(value) is None


@pytest.mark.parametrize(
    ("word", "tone"),
    [("Completed", "good"), ("partially refunded", "wait"), ("FAILED", "bad"), ("teapot", "quiet"), (None, "quiet")],
)
def test_a_vendors_word_has_a_tone(word: Any, tone: str) -> None:
    assert tone_of(word) == tone


@pytest.mark.parametrize(
    ("name", "letters"), [("Ada Lovelace", "AL"), ("shop", "S"), ("", "·"), ("- -", "·"), ("A B C", "AC")]
)
def test_a_person_has_two_letters(name: str, letters: str) -> None:
    assert initials(name) == letters
