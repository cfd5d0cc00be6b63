"""What whoever checks a ledger brings along: keys that they trust, and checkpoints that they have put away."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from pathlib import Path

from application.transparency.note import CannotCheck, InvalidNote, Verifier


def published_keys(texts: Sequence[str]) -> list[Verifier]:
    """Return the keys that are given, one a line as they are published. Raises CannotCheck if one is none."""
    lines = [line for text in texts for line in _lines(text)]
    try:
        return [Verifier.parse(line) for line in lines]
    except InvalidNote as wrong:
        raise CannotCheck(f"--key: {wrong}") from wrong


def _lines(text: str) -> list[str]:
    """Return the lines of a file's content as somebody pasted it, or had a shell do so."""
    return [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()] or [text]


def held_checkpoint(path: Path) -> str:
    """Return a checkpoint that somebody has put away, whatever their editor or shell made of its beginning and its end.

    Raises CannotCheck if there is nothing in the file.
    """
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    text = content.decode(encoding, errors="replace").replace("\r\n", "\n")
    if not text.strip():
        raise CannotCheck(f"the checkpoint that you hold is empty: {path}")
    return text.strip() + "\n"  # what is around a note is not signed


def what_it_proved(keys: Sequence[Verifier], held: Sequence[str], *, is_signed: bool) -> list[str]:
    """Return in lines what is said of a whole ledger that was checked with these; one without events is not signed."""
    checkpoints = "the checkpoint" if len(held) == 1 else f"the {len(held)} checkpoints"
    lines = [f"It continues {checkpoints} that you hold."] if held else []
    return [*lines, "The signature was checked with the key that you gave."] if keys and is_signed else lines
