"""`ordertrail verify FILE` with the file of a ledger, plain or compressed."""

import gzip
import json
from pathlib import Path

import pytest
from zstandard import ZstdCompressor, ZstdDecompressor

from api.cli.files.ledger_files import Verdict, verify_file
from api.cli.maintenance import InvalidArgument
from application.transparency.checkpoint import Checkpoint
from application.transparency.note import CannotCheck
from tests.ledger_files import ORIGIN, a_file, a_signer
from tests.unit.ledger_file.fix_verified_file import (
    EVENTS,
    ORDER,
    a_checkpoint,
    a_proof,
    compressed,
    verdict,
    verified,
)


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
