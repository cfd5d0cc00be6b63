"""`ordertrail verify FILE` with a proof: of an order, or a receipt."""

import json
from pathlib import Path

import pytest

from api.cli.files.ledger_files import Verdict
from application.transparency.proofs import leaf_fields
from tests.builders import ACME
from tests.ledger_files import ORIGIN, a_signer
from tests.unit.ledger_file.fix_verified_file import (
    ORDER,
    a_proof,
    verdict,
    verified,
)


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
