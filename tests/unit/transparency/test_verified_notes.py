"""A note that was checked is not checked again; another note, or the same with other keys, is."""

import pytest

from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.keys import Identity, identity_of, new_signing_key
from application.transparency.note import InvalidNote
from application.transparency.tree import EMPTY_ROOT
from application.transparency.verified_notes import VerifiedNotes
from domain.values import TenantName

KEY, OTHER_KEY = new_signing_key(), new_signing_key()


def known(tenant: str = "acme", *, key: object = KEY) -> Identity:
    return identity_of("ordertrail/test", [OTHER_KEY if key is OTHER_KEY else KEY], TenantName(tenant))


def kept(size: int, who: Identity) -> KeptNote:
    return KeptNote(size, Checkpoint(who.origin, size, EMPTY_ROOT).signed(who.signers))


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[KeptNote]:
    """The notes that were checked."""
    found: list[KeptNote] = []
    check = KeptNote.checkpoint

    def checkpoint(self: KeptNote, *args: object) -> Checkpoint:
        found.append(self)
        return check(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(KeptNote, "checkpoint", checkpoint)
    return found


def test_the_same_bytes_are_checked_once(checked: list[KeptNote]) -> None:
    notes, newest = VerifiedNotes(), kept(3, known())

    found = [notes.checkpoint_of(newest, known()) for _ in range(3)]

    assert found == [Checkpoint("ordertrail/test/acme", 3, EMPTY_ROOT)] * 3
    assert checked == [newest]


def test_what_was_just_signed_needs_no_check(checked: list[KeptNote]) -> None:
    notes, who = VerifiedNotes(), known()
    checkpoint = Checkpoint(who.origin, 3, EMPTY_ROOT)
    note = checkpoint.signed(who.signers)
    notes.add(checkpoint, note, who)

    assert notes.checkpoint_of(KeptNote(3, note), who) == checkpoint
    assert checked == []


@pytest.mark.parametrize(
    "newest",
    [
        KeptNote(4, kept(3, known()).note),
        KeptNote(3, kept(3, known()).note.replace("3", "4", 1)),
        KeptNote(3, kept(3, known("globex")).note),
        KeptNote(3, ""),
    ],
)
def test_other_bytes_are_refused_though_the_ledgers_note_was_good(newest: KeptNote) -> None:
    notes = VerifiedNotes()
    notes.checkpoint_of(kept(3, known()), known())

    with pytest.raises(InvalidNote):
        notes.checkpoint_of(newest, known())


def test_a_note_is_refused_when_its_key_is_no_longer_known() -> None:
    notes, newest = VerifiedNotes(), kept(3, known())
    notes.checkpoint_of(newest, known())

    with pytest.raises(InvalidNote):
        notes.checkpoint_of(newest, known(key=OTHER_KEY))


def test_a_ledger_without_a_note_has_the_empty_tree() -> None:
    notes = VerifiedNotes()
    notes.checkpoint_of(kept(3, known()), known())

    assert notes.checkpoint_of(None, known()).size == 0


def test_the_ledger_that_was_quiet_for_longest_is_forgotten(checked: list[KeptNote]) -> None:
    notes, newest = VerifiedNotes(size=2), {name: kept(1, known(name)) for name in ("a", "b", "c")}

    for name in ("a", "b", "a", "c", "a", "c", "b"):
        notes.checkpoint_of(newest[name], known(name))

    # To be looked at counts for nothing: "c" takes the place of "a", which was written first, and so on.
    assert checked == [newest[name] for name in ("a", "b", "c", "a", "b")]
