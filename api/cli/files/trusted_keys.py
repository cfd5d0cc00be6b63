"""The keys and the saved checkpoints that the checker of a ledger trusts."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from pathlib import Path

from application.transparency.note import CannotCheck, InvalidNote, Verifier


def published_keys(texts: Sequence[str]) -> list[Verifier]:
    """Return the given keys, one a line in their published form. Raises CannotCheck if one is malformed."""
    lines = [line for text in texts for line in _lines(text)]
    try:
        return [Verifier.parse(line) for line in lines]
    except InvalidNote as wrong:
        raise CannotCheck(f"--key: {wrong}") from wrong


def _lines(text: str) -> list[str]:
    """Return the lines of a file's content, which somebody may have pasted or had a shell read."""
    return [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()] or [text]


def held_checkpoint(path: Path) -> str:
    """Return a saved checkpoint without what an editor or a shell added at its beginning and its end.

    Raises CannotCheck if the file is empty.
    """
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    text = content.decode(encoding, errors="replace").replace("\r\n", "\n")
    if not text.strip():
        raise CannotCheck(f"the checkpoint that you hold is empty: {path}")
    return text.strip() + "\n"  # the space around a note is not signed


def trust_lines(keys: Sequence[Verifier], held: Sequence[str], *, is_signed: bool) -> list[str]:
    """Return lines that name the keys and checkpoints that a ledger agreed with. An empty ledger is not signed."""
    checkpoints = "the checkpoint" if len(held) == 1 else f"the {len(held)} checkpoints"
    lines = [f"It continues {checkpoints} that you hold."] if held else []
    return [*lines, "The signature was checked with the key that you gave."] if keys and is_signed else lines
