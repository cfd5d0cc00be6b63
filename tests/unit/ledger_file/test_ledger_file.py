"""Whatever is done to a ledger's file is found, line by line, with no more than the file and a key."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta

import pytest

from application.ledger.port import RecordedEvent
from application.ledger_file.lines import FileDamaged
from application.transparency.checkpoint import Checkpoint
from application.transparency.note import CannotCheck
from application.transparency.tree import EMPTY_ROOT
from tests.builders import a_foreign_event, a_ledger, a_moment, an_event
from tests.ledger_files import ORIGIN, a_file, a_signer, checked, edited, opened

Lines = list[bytes]

EVENTS = [
    *a_ledger(*(an_event(order_id=f"A-{n % 3}", status=f"s{n}") for n in range(9))),
    a_foreign_event(position=10, recorded_at=a_moment(60), metadata=b""),
]
SEALED = (3, 4)
# line 0 is the header, 1 to 3 are events, 4 a checkpoint, 5 an event, 6 a checkpoint, 7 to 12 events
FIRST, SECOND, CHECKPOINT, LATER, LAST_CHECKPOINT, TRAILER = 1, 2, 4, 8, 13, 14


def lines() -> Lines:
    return a_file(EVENTS, sealed=SEALED)


def test_a_file_gives_its_events_byte_for_byte() -> None:
    with opened(lines()) as file:
        found = [event for page in file.pages() for event in page]

    assert found == EVENTS
    header, trailer, note = file.result()
    assert (header.tenant, header.origin, header.size) == ("acme", ORIGIN, 10)
    assert (trailer.events, trailer.checkpoints) == (10, 3)
    assert Checkpoint.verified(note or "", header.keys) == Checkpoint(ORIGIN, 10, trailer.root)


def test_an_empty_ledger_has_a_file_too() -> None:
    found = checked([a_file([])[0], a_file([])[-1]])

    assert (found.trailer.events, found.trailer.root, found.last_note) == (0, EMPTY_ROOT, None)


def test_a_library_stream_may_begin_with_version_0() -> None:
    assert checked(a_file([a_foreign_event(version=0)])).trailer.events == 1


def change(at: int, **changed: object) -> Callable[[Lines], None]:
    def do(lines: Lines) -> None:
        lines[at] = edited(lines[at], **changed)

    return do


def delete(at: int) -> Callable[[Lines], None]:
    def do(lines: Lines) -> None:
        del lines[at]

    return do


def put(at: int, line: bytes) -> Callable[[Lines], None]:
    def do(lines: Lines) -> None:
        lines[at] = line

    return do


def swap_events(lines: Lines) -> None:
    lines[FIRST], lines[SECOND] = lines[SECOND], lines[FIRST]


def swap_events_and_their_positions(lines: Lines) -> None:
    lines[FIRST], lines[SECOND] = edited(lines[SECOND], position=1), edited(lines[FIRST], position=2)


def insert_an_event(lines: Lines) -> None:
    lines.insert(SECOND, lines[FIRST])


def delete_the_last_event(lines: Lines) -> None:
    del lines[LAST_CHECKPOINT - 1]


def cut_within_a_line(lines: Lines) -> None:
    lines[LATER:] = [lines[LATER][:50]]


def cut_between_lines(lines: Lines) -> None:
    del lines[LATER:]


def add_a_line(lines: Lines) -> None:
    lines.append(lines[FIRST])


def move_a_checkpoint(lines: Lines) -> None:
    lines[CHECKPOINT], lines[5] = lines[5], lines[CHECKPOINT]


def leave_the_end_unsigned(lines: Lines) -> None:
    del lines[LAST_CHECKPOINT]
    lines[-1] = edited(lines[-1], checkpoints=2)


def cut_and_count_again(lines: Lines) -> None:
    del lines[LATER:TRAILER]
    lines[-1] = edited(lines[-1], events=5, checkpoints=2)


ANOTHER_ROOT = b64encode(bytes(32)).decode()
CHANGED = "line 5: at least one of events 1 to 3 differs from what was signed"

DAMAGES = {
    "data": (change(SECOND, data=b64encode(b"{}").decode()), CHANGED),
    "metadata": (change(SECOND, metadata=b64encode(b"{}").decode()), CHANGED),
    "type": (change(SECOND, type="order.comment_added"), CHANGED),
    "event id": (change(SECOND, event_id="another"), CHANGED),
    "stream": (change(SECOND, stream="order-x"), CHANGED),
    "version": (change(SECOND, version=2), CHANGED),
    "when it occurred": (change(SECOND, occurred_at="2026-03-01T12:00:00.000001Z"), CHANGED),
    "when it was recorded": (
        change(12, recorded_at="2026-03-01T12:01:00.000001Z"),
        "line 14: at least one of events 5 to 10",
    ),
    "whose it is": (change(SECOND, tenant="globex"), "line 3: the event belongs to another tenant, 'globex'"),
    "its position": (change(SECOND, position=7), "line 3: position 2 is missing; here is position 7"),
    "a position that is a text": (change(SECOND, position="2"), "line 3: its members must be tenant, position"),
    "one more member": (change(SECOND, more=1), "line 3: its members must be tenant, position"),
    "no base64": (change(SECOND, data="?"), "line 3: an event has"),
    "a time without an offset": (change(SECOND, occurred_at="2026-03-01T12:00:00"), "line 3: an event has a time"),
    "a time that is none": (change(SECOND, occurred_at="noon"), "line 3: an event has"),
    "no JSON": (put(SECOND, b"{\n"), "line 3: it is not JSON"),
    "no object": (put(SECOND, b"[]\n"), "line 3: it is not a JSON object"),
    "an empty line": (put(SECOND, b"\n"), "line 3: it is not JSON"),
    "bytes that are no text": (put(SECOND, b'{"data":"\xff"}\n'), "line 3: it is not JSON"),
    "half a character": (change(SECOND, stream="\ud800"), "line 3: "),
    "a character that cannot be stored": (change(SECOND, stream="a\0"), "line 3: position 2 has a NUL character"),
    "a deleted event": (delete(SECOND), "line 3: position 2 is missing; here is position 3"),
    "the deleted last event": (delete_the_last_event, "line 13: after 9 events comes a checkpoint of 10"),
    "swapped events": (swap_events, "line 2: position 1 is missing; here is position 2"),
    "swapped events with new positions": (swap_events_and_their_positions, CHANGED),
    "an event told twice": (insert_an_event, "line 3: position 2 is missing; here is position 1"),
    "cut, and counted again": (cut_and_count_again, "line 9: the file has 5 events and 2 checkpoints"),
    "one line more": (add_a_line, "line 16: nothing should follow the last line"),
    "another root": (change(TRAILER, root=ANOTHER_ROOT), "line 15: the file has 10 events"),
    "a root that is none": (change(TRAILER, root="?"), "line 15: the root is not in base64"),
    "another count": (change(TRAILER, events=9), "line 15: the file has 10 events and 3 checkpoints"),
    "another size": (change(0, to=9), "line 15: the file has 10 events and 3 checkpoints"),
    "a deleted checkpoint": (delete(CHECKPOINT), "line 14: the file has 10 events and 2 checkpoints"),
    "an end without a checkpoint": (leave_the_end_unsigned, "line 14: events 5 to 10 are not signed"),
    "a checkpoint elsewhere": (move_a_checkpoint, "line 6: after 4 events comes a checkpoint of 3"),
    "a checkpoint that is none": (change(CHECKPOINT, checkpoint="x"), "line 5: A signed note is"),
    "another tenant": (change(0, tenant="globex"), "line 2: the event belongs to another tenant, 'acme'"),
    "another name": (change(0, origin="ordertrail/00/acme"), "line 5: after 3 events comes a checkpoint of 3"),
    "no keys": (change(0, keys=[]), "line 5: None of these keys has signed it"),
    "another's key": (change(0, keys=[str(a_signer("mine").verifier)]), "line 5: None of these keys has signed it"),
    "a key that is none": (change(0, keys=["x"]), "line 1: A key is written"),
}


UNCHECKED = {
    "cut within a line": (cut_within_a_line, "it was cut off, or Ordertrail did not write it: it ends within line 9"),
    "cut between lines": (cut_between_lines, "it was cut off: it ends after 5 of 10 events"),
    "no last line": (delete(TRAILER), "it was cut off: it ends after 10 of 10 events"),
    "another format": (change(0, format="other"), "this release does not know its format 'other'"),
    "a later version": (change(0, version=2), "this release does not know its format 'ordertrail-export', version 2"),
    "no header": (delete(0), "Ordertrail did not write it: its members must be format, version"),
    "no JSON at all": (put(0, b"hello\n"), "Ordertrail did not write it: line 1: it is not JSON"),
    "nothing at all": (lambda lines: lines.clear(), "it is empty"),
}
"""What cannot be checked: nothing of what is there contradicts what was signed."""


@pytest.mark.parametrize("what", UNCHECKED)
def test_a_file_that_cannot_be_checked_is_not_said_to_be_damaged(what: str) -> None:
    found = lines()
    do, told = UNCHECKED[what]
    do(found)

    with pytest.raises(CannotCheck) as refused:
        checked(found)

    assert str(refused.value).startswith(told)


@pytest.mark.parametrize("end", [b"", b"\n\n", b"\r\n \n"])
def test_how_a_file_ends_its_last_line_does_not_matter(end: bytes) -> None:
    found = lines()
    found[-1] = found[-1].rstrip(b"\n") + end

    assert checked(found).trailer.events == 10


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(damage: str) -> None:
    found = lines()
    do, what = DAMAGES[damage]
    do(found)

    with pytest.raises(FileDamaged) as refused:
        checked(found)

    assert str(refused.value).startswith(what)


def test_a_false_signature_is_refused() -> None:
    theirs, others = a_file(EVENTS), a_file(EVENTS[:9])
    body, signatures = (text.split("\\n\\n") for text in (theirs[-2].decode(), others[-2].decode()))
    theirs[-2] = f"{body[0]}\\n\\n{signatures[1]}".encode()

    with pytest.raises(FileDamaged, match=r"The signature of .* is not valid"):
        checked(theirs)


def test_a_file_that_somebody_else_has_signed_is_refused_by_whoever_knows_the_key() -> None:
    mine = a_file([*EVENTS[:-1], EVENTS[-1]._replace(data=b"mine")], signers=[a_signer("mine")])

    assert checked(mine).trailer.events == 10
    with pytest.raises(CannotCheck, match="its last checkpoint is signed with other keys: None of these"):
        checked(mine, a_signer("theirs"))


def test_a_file_signed_with_several_keys_needs_one_that_is_known() -> None:
    file = a_file(EVENTS, sealed=SEALED, signers=[a_signer("old"), a_signer("new")])

    assert checked(file, a_signer("new")) == checked(file, a_signer("old"), a_signer("another")) == checked(file)


def test_a_file_cut_off_at_a_checkpoint_is_what_was_exported_then() -> None:
    assert checked(a_file(EVENTS[:4], sealed=SEALED)).trailer.events == 4


@pytest.mark.parametrize(
    ("event", "what"),
    [
        (EVENTS[3]._replace(position=10, version=3), "position 10: version 3 of order-A-0 follows version 3"),
        (EVENTS[3]._replace(position=10, version=6), "position 10: version 6 of order-A-0 follows version 3"),
        (a_foreign_event(position=10, version=2), "position 10: version 2 of book-1 is its first"),
        (
            EVENTS[3]._replace(position=10, stream="order-z", version=1),
            "positions 1 to 10: two events have the same id",
        ),
    ],
)
def test_a_file_whose_streams_are_not_whole_is_refused_though_it_is_signed(event: RecordedEvent, what: str) -> None:
    file = a_file([*EVENTS[:9], event._replace(recorded_at=a_moment(60))])

    with pytest.raises(FileDamaged, match=what):
        checked(file)


def test_times_of_recording_that_run_backwards_are_refused_though_they_are_signed() -> None:
    earlier = EVENTS[-1]._replace(recorded_at=EVENTS[0].recorded_at - timedelta(microseconds=1))

    with pytest.raises(FileDamaged, match="position 10 has an earlier time of recording than the event before it"):
        checked(a_file([*EVENTS[:-1], earlier]))


def test_streams_and_event_ids_are_compared_over_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.ledger_file.reading.PAGE", 1)

    assert checked(lines()).trailer.events == 10
    again = EVENTS[3]._replace(position=10, stream="order-z", version=1)
    with pytest.raises(FileDamaged, match="two events have the same id"):
        checked(a_file([*EVENTS[:9], again]))
    with pytest.raises(FileDamaged, match="version 5 of order-A-0 follows version 3"):
        checked(a_file([*EVENTS[:9], EVENTS[6]._replace(position=10, version=5)]))
