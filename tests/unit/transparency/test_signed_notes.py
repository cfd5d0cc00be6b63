"""Notes and checkpoints are those of C2SP: a published example verifies, and whatever was changed does not."""

import pytest

from application.transparency.checkpoint import Checkpoint
from application.transparency.note import InvalidNote, Signer, Verifier, sign, verify
from application.transparency.tree import EMPTY_ROOT

# The example in the documentation of Go's sumdb/note, where the format comes from.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n\N{EM DASH} PeterNeumann {SIGNATURE}\n"
ANN, BO = Signer("ann.example/log", bytes(range(32))), Signer("bo.example", bytes(range(1, 33)))
CHECKPOINT = Checkpoint("ann.example/log", 17, EMPTY_ROOT)


def test_the_published_example_verifies() -> None:
    assert verify(NOTE, [Verifier.parse(PETER)]) == TEXT
    assert str(Verifier.parse(PETER)) == PETER


def test_what_a_key_has_signed_verifies_with_its_public_half_alone() -> None:
    published = str(ANN.verifier)

    assert verify(sign("a\nb\n", [ANN]), [Verifier.parse(published)]) == "a\nb\n"


def test_signatures_of_strangers_are_passed_over() -> None:
    note = sign("a\n", [BO, ANN])

    assert verify(note, [ANN.verifier]) == "a\n"


def test_a_note_that_no_known_key_has_signed_is_refused() -> None:
    with pytest.raises(InvalidNote, match="None of these keys"):
        verify(sign("a\n", [BO]), [ANN.verifier])


def test_a_changed_text_is_refused() -> None:
    with pytest.raises(InvalidNote, match=r"The signature of ann.example/log is not valid"):
        verify(sign("a\n", [ANN]).replace("a\n", "b\n", 1), [ANN.verifier])


@pytest.mark.parametrize(
    "note", ["", "a\n", "a\n\n", "a\n\nann sig\n", "a\n\n\N{EM DASH} ann ===\n", "a\n\n\N{EM DASH} ann AAAA\n"]
)
def test_what_is_not_a_note_is_refused(note: str) -> None:
    with pytest.raises(InvalidNote):
        verify(note, [ANN.verifier])


@pytest.mark.parametrize(
    "key", ["", "ann", "ann+00000000+AAAA", PETER.replace("c74f", "c74e"), PETER.replace("ARpc", "Arpc")]
)
def test_what_is_not_a_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidNote):
        Verifier.parse(key)


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    note = CHECKPOINT.signed([ANN])

    assert note.startswith(
        "ann.example/log\n17\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\N{EM DASH} ann.example/log "
    )
    assert Checkpoint.verified(note, [ANN.verifier]) == CHECKPOINT


@pytest.mark.parametrize("text", ["a\n", "a\n1\n", "a\n01\nAAAA\n", "a\n-1\nAAAA\n", "a\n1\nAAAA\n", "a\none\n!\n"])
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(InvalidNote, match="A checkpoint has three lines"):
        Checkpoint.verified(sign(text, [ANN]), [ANN.verifier])


def test_a_checkpoint_of_another_ledger_with_the_same_key_is_refused() -> None:
    renamed = CHECKPOINT._replace(origin="bo.example/log").signed([ANN])

    with pytest.raises(
        InvalidNote, match=r"it belongs to bo\.example/log, and none of these keys signs for that ledger"
    ):
        Checkpoint.verified(renamed, [ANN.verifier])
