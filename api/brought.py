"""What whoever checks a ledger brings along: keys that they trust, and checkpoints that they have put away."""

from collections.abc import Sequence

from application.transparency.note import Verifier


def published_keys(texts: Sequence[str]) -> list[Verifier]:
    """Return the keys that are given, one a line as they are published. Raises InvalidNote if one is none."""
    return [Verifier.parse(line) for text in texts for line in text.splitlines() or [text]]


def what_it_proved(keys: Sequence[Verifier], held: Sequence[str], *, is_signed: bool) -> list[str]:
    """Return in lines what is said of a whole ledger that was checked with these; one without events is not signed."""
    checkpoints = "the checkpoint" if len(held) == 1 else f"the {len(held)} checkpoints"
    lines = [f"It continues {checkpoints} that you hold."] if held else []
    return [*lines, "The signature was checked with the key that you gave."] if keys and is_signed else lines


def printable(text: str) -> str:
    """Return a text that does nothing to a terminal, whoever wrote what it is from."""
    return "".join([c if c.isprintable() or c == "\n" else ascii(c).strip("'") for c in text])
