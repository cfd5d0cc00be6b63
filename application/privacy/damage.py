"""Personal data that cannot be opened, with the reason in words."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple


class Unopened(NamedTuple):
    """Personal data that cannot be opened: its place in the event, its subject, and the reason."""

    path: str
    subject: str
    why: str
    is_of_damaged_key: bool = False


def changed(path: str, subject: str) -> Unopened:
    """Describe a value that was changed after it was encrypted."""
    return Unopened(path, subject, "it was changed after it was recorded")


def of_damaged_key(path: str, subject: str) -> Unopened:
    """Describe a value whose key was changed after it was made."""
    return Unopened(path, subject, f"the key of {subject} is damaged", is_of_damaged_key=True)


def of_other_key(path: str, subject: str, *, is_there_one: bool) -> Unopened:
    """Describe a value that needs another key than its subject has."""
    why = (
        f"it is encrypted with another key than that of {subject}"
        if is_there_one
        else f"the key of {subject} is missing"
    )
    return Unopened(path, subject, why)


def in_words(unopened: Sequence[Unopened]) -> str:
    """Say which parts of an event cannot be opened: customer.id, customer.name: the key of order-1 is damaged."""
    reasons = groupby(sorted(unopened, key=attrgetter("why")), key=attrgetter("why"))
    return "; ".join(f"{', '.join(each.path for each in of_one)}: {why}" for why, of_one in reasons)
