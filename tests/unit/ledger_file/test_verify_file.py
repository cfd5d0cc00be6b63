"""`ordertrail verify FILE`, whatever the file is: exported, compressed, a proof, or none of these."""

import gzip
import json
from base64 import b64encode
from itertools import count
from pathlib import Path

import pytest
from zstandard import ZstdCompressor, ZstdDecompressor

from api.cli.files.ledger_files import Verdict, verify_file
from api.cli.files.trusted_keys import held_checkpoint
from api.cli.maintenance import InvalidArgument
from application.ledger.port import RecordedEvent
from application.transparency.checkpoint import Checkpoint
from application.transparency.leaf import leaf_hash_of
from application.transparency.note import CannotCheck
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


def decompressed(content: bytes) -> bytes:
    return ZstdDecompressor().stream_reader(content).read()


def test_a_file_is_whole_plain_and_compressed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified(path, b"".join(a_file(EVENTS)), str(a_signer().verifier))
    plain = capsys.readouterr().out
    assert verified(path, compressed(), str(a_signer().verifier))

    assert capsys.readouterr().out == plain
    assert plain.startswith(f"{path}: events 1 to 7 of acme are whole and in order, under 1 checkpoints of {ORIGIN}")
    assert "with the key that you gave" in plain


def test_of_a_file_without_events_no_signature_is_said_to_be_checked(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(path, b"".join(a_file([])), str(a_signer().verifier))

    assert "with the key that you gave" not in capsys.readouterr().out


def test_a_file_that_is_checked_with_its_own_key_says_so(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified(path, compressed())

    printed = capsys.readouterr().out
    assert "CAUTION: the signature was checked with the keys that the file itself names" in printed
    assert str(a_signer().verifier) in printed


def test_a_file_is_not_believed_against_another_key(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(path, compressed(), str(a_signer("another").verifier)) is Verdict.NOT_CHECKED

    assert "NOT CHECKED: its last checkpoint is signed with other keys: None of these" in capsys.readouterr().out


def test_keys_may_be_given_a_line_for_each_as_they_are_published(path: Path) -> None:
    keys = f"{a_signer('another').verifier}\n{a_signer().verifier}\n"

    assert verified(path, compressed(), keys)


@pytest.mark.parametrize("none", ["key", "", "\n"])
def test_a_key_that_is_none_is_refused(path: Path, none: str) -> None:
    with pytest.raises(CannotCheck, match="--key: A key is written"):
        verified(path, compressed(), none)


def test_keys_are_read_whatever_an_editor_or_a_shell_made_of_their_file(path: Path) -> None:
    key = str(a_signer().verifier)

    for given in (f"\ufeff{key}\r\n", f"\n{key}\n\n", f"  {key}  "):
        assert verified(path, compressed(), given)


def told_twice(text: bytes, member: str) -> bytes:
    """Return JSON whose member has a second value, of which some readers would take the first and others the last."""
    return text.replace(b'"%b":' % member.encode(), b'"%b":7,"%b":' % (member.encode(), member.encode()), 1)


@pytest.mark.parametrize("member", ["data", "checkpoint", "root", "event_id"])
def test_a_member_that_is_there_twice_is_damage(path: Path, member: str, capsys: pytest.CaptureFixture[str]) -> None:
    content = told_twice(b"".join(a_file(EVENTS)), member)

    assert verdict(path, content) is Verdict.DAMAGED
    assert f"an object has the member '{member}' twice" in capsys.readouterr().out


def test_a_header_that_says_something_twice_is_none(path: Path) -> None:
    assert verdict(path, told_twice(b"".join(a_file(EVENTS)), "to")) is not Verdict.WHOLE


def a_checkpoint(size: int, status: str = "s") -> str:
    """Return the checkpoint that somebody holds of a ledger that began with events of such a status."""
    events = a_ledger(*(an_event(order_id=f"A-{n % 2}", status=f"{status}{n}") for n in range(7)))
    frontier = Frontier()
    for before, event in zip(EVENTS, events, strict=True):
        if event.position <= size:
            frontier.add(leaf_hash_of(ACME, event._replace(event_id=before.event_id)))
    return Checkpoint(ORIGIN, size, frontier.root()).signed([a_signer()])


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_file_has_to_continue_the_checkpoint_that_somebody_holds(
    path: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_bytes(compressed())

    assert verify_file(path, (), [a_checkpoint(size)]) is Verdict.WHOLE
    assert "It continues the checkpoint that you hold." in capsys.readouterr().out
    assert verify_file(path, (), [a_checkpoint(size, "another")]) is Verdict.DAMAGED
    assert f"events 1 to {size} are not those of the checkpoint that you hold" in capsys.readouterr().out


def test_a_file_that_ends_before_the_checkpoint_that_somebody_holds_is_refused(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_bytes(b"".join(a_file(EVENTS[:5])))

    assert verify_file(path, (), [a_checkpoint(7)]) is Verdict.DAMAGED
    assert "the ledger ends at 5, the checkpoint that you hold covers 7 events" in capsys.readouterr().out


def test_a_checkpoint_of_another_ledger_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(compressed())

    for held in ("", Checkpoint("ordertrail/00/x", 1, bytes(32)).signed([a_signer(origin="ordertrail/00/x")])):
        assert verify_file(path, (), [held]) is Verdict.NOT_CHECKED
        assert "NOT CHECKED: the checkpoint that you hold is not this ledger's: " in capsys.readouterr().out


def test_a_checkpoint_that_is_held_is_for_ledgers(path: Path) -> None:
    path.write_text(json.dumps(a_proof(*ORDER)))

    with pytest.raises(InvalidArgument, match="--checkpoint needs the file of a whole ledger"):
        verify_file(path, (), [a_checkpoint(7)])


def test_every_changed_byte_of_a_compressed_file_is_found_unless_it_changes_nothing(path: Path) -> None:
    whole = compressed()
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        # Zstandard has bits that mean nothing, such as in the code of a byte that does not occur.
        assert not verified(path, changed) or decompressed(changed) == decompressed(whole), at


@pytest.mark.parametrize("whole", [compressed(), gzip.compress(b"".join(a_file(EVENTS)))], ids=["zst", "gz"])
def test_every_truncated_compressed_file_is_found_and_none_is_said_to_be_damaged(path: Path, whole: bytes) -> None:
    # Without its last four bytes, a checksum, a file of Zstandard still has all that was signed.
    for size in range(0, len(whole) - 4, 7):
        assert verdict(path, whole[:size]) is Verdict.NOT_CHECKED, size


@pytest.mark.parametrize("more", [b"more", ZstdCompressor().compress(b"{}\n")])
def test_something_after_a_compressed_file_is_found(path: Path, more: bytes) -> None:
    assert not verified(path, compressed() + more)


@pytest.mark.parametrize("text", [b"", b"hello\n", b"[1]\n", b'{"format": "other"}\n', bytes(100), b"\xff\n"])
def test_what_is_no_file_of_ours_is_said_to_be_none(
    path: Path, text: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(path, text) is Verdict.NOT_CHECKED

    printed = capsys.readouterr().out
    whys = (
        "Ordertrail did not write it",
        "it was cut off, or Ordertrail did not write it",
        "it is empty",
        "this release does not know its format 'other'",
    )
    assert any(f"NOT CHECKED: {why}" in printed for why in whys)


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


def test_a_proof_of_an_order_holds_by_the_key_alone(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = a_proof(*ORDER)

    assert verified(path, json.dumps(proof).encode(), str(a_signer().verifier))
    assert verified(path, json.dumps(proof, indent=2).encode(), str(a_signer().verifier))

    assert f"versions 1 to 4 of order-A-0 are in {ORIGIN} as it was signed with 7 events" in capsys.readouterr().out
    another = str(a_signer("another").verifier)
    assert verdict(path, json.dumps(proof).encode(), another) is Verdict.NOT_CHECKED


def test_the_events_that_are_proven_are_shown(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified(path, json.dumps(a_proof(*ORDER)).encode())

    shown = capsys.readouterr().out.splitlines()[1:5]
    assert [line.split(maxsplit=5) for line in shown] == [
        [str(n), "2026-03-01T12:00:01Z", "order-A-0", str(v), "order.status_updated", event.data.decode()]
        for v, (n, event) in enumerate(zip((1, 3, 5, 7), ORDER, strict=True), start=1)
    ]


def test_an_answer_that_has_a_receipt_is_one(path: Path) -> None:
    assert verified(path, json.dumps({"position": 1, "receipt": a_proof(ORDER[0])}).encode())


def test_a_file_cannot_command_the_terminal(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = {**a_proof(*ORDER), "format": "\x1b[2Jall is well\r"}

    assert not verified(path, json.dumps(proof).encode())

    assert "\\x1b[2Jall is well" in capsys.readouterr().out


@pytest.mark.parametrize("member", leaf_fields(ACME, ORDER[0]))
def test_whatever_is_changed_in_a_proven_event_is_found(path: Path, member: str) -> None:
    proof = a_proof(*ORDER)
    event = proof["events"][1]  # type: ignore[index]
    others = {
        "data": "e30=",
        "metadata": "e30=",
        "occurred_at": "2026-03-01T12:00:09.000000Z",
        "recorded_at": "2026-03-01T12:00:09.000000Z",
    }
    event[member] = event[member] + 1 if isinstance(event[member], int) else others.get(member, "another")

    assert verdict(path, json.dumps(proof).encode()) is Verdict.DAMAGED


def test_an_event_left_out_between_others_is_found(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(path, json.dumps(a_proof(ORDER[0], ORDER[2])).encode()) is Verdict.DAMAGED

    assert "DAMAGED: versions of order-A-0 are missing: it has 1, 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changed",
    [
        {"format": "ordertrail-proof/v9"},
        {"keys": ["x"]},
        {"checkpoint": "x"},
        {"checkpoint": 1},
        {"events": None},
        {"events": [1]},
        {"events": [{"proof": ["?"]}]},
        {"events": [{}]},
        {"events": [{**leaf_fields(ACME, ORDER[0]), "position": "1", "proof": []}]},
    ],
)
def test_what_is_no_proof_is_said_to_be_none(path: Path, changed: dict[str, object]) -> None:
    assert verdict(path, json.dumps({**a_proof(*ORDER), **changed}).encode()) is Verdict.NOT_CHECKED


@pytest.mark.parametrize(
    "changed",
    [
        a_proof(ORDER[0], origin="ordertrail/00/globex"),
        {"keys": [str(a_signer("another").verifier)]},
        {"checkpoint": str(a_proof()["checkpoint"]).replace("\n7\n", "\n8\n")},
    ],
)
def test_a_proof_that_contradicts_what_was_signed_is_damaged(path: Path, changed: dict[str, object]) -> None:
    assert verdict(path, json.dumps({**a_proof(*ORDER), **changed}).encode()) is Verdict.DAMAGED


def test_a_proof_without_events_proves_nothing(path: Path) -> None:
    assert verdict(path, json.dumps(a_proof()).encode()) is Verdict.NOT_CHECKED


def changed(content: bytes) -> bytes:
    """Return a file in which an event is another."""
    lines = content.splitlines(keepends=True)
    lines[2] = edited(lines[2], data=b64encode(b"{}").decode())
    return b"".join(lines)


def plain() -> bytes:
    return b"".join(a_file(EVENTS, sealed=(3,)))


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "content",
    [
        plain()[:-1],
        MARK + plain(),
        plain().replace(b"\n", b"\r\n"),
        plain() + b"\n\n",
        gzip.compress(plain()),
        gzip.compress(MARK + plain()[:-1]),
        ZstdCompressor().compress(plain()[:-1]),
        MARK + json.dumps(a_proof(*ORDER)).encode(),
        json.dumps(a_proof(*ORDER), indent=1).encode() + b"\n\n",
        gzip.compress(json.dumps(a_proof(*ORDER)).encode()),
    ],
    ids=count(),
)
def test_what_editors_and_shells_do_to_a_file_changes_nothing_that_was_signed(path: Path, content: bytes) -> None:
    assert verified(path, content, str(a_signer().verifier))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty"),
        (MARK, "it is empty"),
        (gzip.compress(b""), "it is empty"),
        (ZstdCompressor().compress(b""), "it is empty"),
        (plain().decode().encode("utf-16"), "it is in UTF-16"),
        (plain()[:40], "it was cut off, or Ordertrail did not write it"),
        (plain()[:-20], "it was cut off, or Ordertrail did not write it: it ends within line 11"),
        (b"".join(a_file(EVENTS)[:-1]), "it was cut off: it ends after 7 of 7 events"),
        (b"".join(a_file(EVENTS)[:4]), "it was cut off: it ends after 3 of 7 events"),
        (gzip.compress(plain())[:-30], "it was cut off"),
        (gzip.compress(plain())[:15], "it was cut off"),
        (compressed()[: len(compressed()) // 2], "it was cut off"),
        (json.dumps(a_proof(*ORDER)).encode()[:-30], "it was cut off"),
        (b"<html>Not found</html>", "it was cut off, or Ordertrail did not write it"),
        (json.dumps({"title": "Not found"}).encode(), "it is not a proof"),
        (b"\n".join(a_file(EVENTS)[1:]), "it was cut off, or Ordertrail did not write it"),
    ],
    ids=count(),
)
def test_what_is_malformed_is_told_apart_from_damage(
    path: Path, content: bytes, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(path, content, str(a_signer().verifier)) is Verdict.NOT_CHECKED

    printed = capsys.readouterr().out
    assert f"{path}: NOT CHECKED: {what}" in printed
    assert "DAMAGED" not in printed


@pytest.mark.parametrize(
    "content",
    [
        changed(plain()),
        MARK + changed(plain())[:-1],
        changed(plain())[:-20],
        gzip.compress(changed(plain())),
        gzip.compress(plain())[:-8] + bytes(8),
        plain() + b"more\n",
        plain().replace(b'"position":2,', b'"position":3,'),
    ],
    ids=count(),
)
def test_damage_is_found_whatever_else_is_the_matter(
    path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(path, content) is Verdict.DAMAGED

    assert f"{path}: DAMAGED: " in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_checkpoint_is_read_whatever_an_editor_or_a_shell_made_of_its_file(path: Path, encoding: str) -> None:
    note, held = a_checkpoint(3), path.with_name("held")
    path.write_bytes(plain())

    for text in (note, note.rstrip("\n"), note.replace("\n", "\r\n"), f"\n{note}\n\n"):
        held.write_bytes(text.encode(encoding))
        assert verify_file(path, (), [held_checkpoint(held)]) is Verdict.WHOLE


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \n"])
def test_a_checkpoint_that_is_empty_is_said_to_be(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(CannotCheck, match="the checkpoint that you hold is empty"):
        held_checkpoint(path)


@pytest.mark.parametrize(
    "wrong", ["x", "A+B\n", a_checkpoint(3)[:60], a_checkpoint(3).replace("\n3\n", "\n4\n")], ids=count()
)
def test_a_checkpoint_that_is_none_says_nothing_of_the_file(
    path: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_bytes(plain())

    assert verify_file(path, (), [wrong]) is Verdict.NOT_CHECKED
    assert "NOT CHECKED: the checkpoint that you hold is not this ledger's" in capsys.readouterr().out
