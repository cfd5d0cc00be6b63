"""An entry of a list is rendered once; a page is made of entries that are known and of those that are new."""

import json
from typing import NamedTuple

from api.http.pages import MAX_ENTRIES, newest_entries, rendered_entries
from application.views.known import KnownEntries, RenderedEntry

ROW = ("row",)


class Entry(NamedTuple):
    position: int


def known(parts: dict[int, bytes]) -> KnownEntries:
    """Return rendered entries that a read has found as they were stored before."""
    entries = KnownEntries({position: RenderedEntry(hash(ROW), part) for position, part in parts.items()})
    for position in parts:
        entries.is_known(position, ROW)
    return entries


async def test_only_entries_that_are_not_known_are_rendered_and_all_keep_their_order() -> None:
    asked: list[int] = []

    def render(entry: Entry) -> dict[str, int]:
        asked.append(entry.position)
        return {"position": entry.position}

    found = await rendered_entries([Entry(3), Entry(1), Entry(2)], render, known({1: b"kept"}))

    assert asked == [3, 2]
    assert list(found.items()) == [(3, b'{"position":3}'), (1, b"kept"), (2, b'{"position":2}')]


async def test_an_entry_that_cannot_be_shown_is_left_out() -> None:
    found = await rendered_entries(
        [Entry(1), Entry(2)], lambda e: json.dumps(e.position) if e.position > 1 else None, known({})
    )

    assert list(found) == [2]


def test_what_was_rendered_last_is_kept_before_what_was_known() -> None:
    before = known(dict.fromkeys(range(MAX_ENTRIES), b"known"))
    before.is_known(MAX_ENTRIES, ROW)

    kept = newest_entries({3: b"new", MAX_ENTRIES: b"new"}, before)

    assert len(kept) == MAX_ENTRIES
    assert (kept[3].part, kept[MAX_ENTRIES].part) == (b"new", b"new")
