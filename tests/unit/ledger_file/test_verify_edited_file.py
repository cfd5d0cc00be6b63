"""`ordertrail verify FILE` with a file that an editor or a shell changed, or that is malformed."""

import gzip
import json
from itertools import count
from pathlib import Path

import pytest
from zstandard import ZstdCompressor

from api.cli.files.ledger_files import Verdict, verify_file
from api.cli.files.trusted_keys import held_checkpoint
from application.transparency.note import CannotCheck
from tests.ledger_files import a_file, a_signer
from tests.unit.ledger_file.fix_verified_file import (
    EVENTS,
    ORDER,
    a_checkpoint,
    a_proof,
    changed,
    compressed,
    plain,
    verdict,
    verified,
)

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
