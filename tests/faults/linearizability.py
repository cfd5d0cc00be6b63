"""Whether a history of a stream could have happened in one order (Wing and Gong 1993, with Lowe's memory of states).

An operation took place at one moment between its call and its answer. If nobody knows its outcome, it took place at any
moment after its call, or never.
"""

from collections.abc import Sequence
from math import inf
from typing import Literal, NamedTuple

Outcome = Literal["done", "refused", "unknown"]


class Operation(NamedTuple):
    """An append that expects a version, or a read of the version if it expects none."""

    called: float
    answered: float
    """inf if the outcome is unknown."""
    expected: int | None
    outcome: Outcome
    version: int = 0
    """The version after an append that was done, or that was read."""

    def after(self, version: int) -> int | None:
        """Return the stream's version after this took place at a version; None if it cannot have taken place there."""
        if self.expected is None:
            return version if version == self.version else None
        if self.outcome == "refused":
            return version if version != self.expected else None
        is_right = version == self.expected and (self.outcome == "unknown" or self.version == version + 1)
        return version + 1 if is_right else None


def is_linearizable(history: Sequence[Operation], version: int = 0) -> bool:
    """Return whether there is an order of these operations on a stream that began at this version."""
    operations = sorted(history)
    certain = sum(1 << n for n, operation in enumerate(operations) if operation.outcome != "unknown")
    seen: set[tuple[int, int]] = set()
    open_: list[tuple[int, int]] = [(0, version)]
    while open_:
        state = open_.pop()
        if state in seen:
            continue
        seen.add(state)
        done, version = state
        if done & certain == certain:
            return True
        # Whatever was called before the first answer that is missing may have been next.
        first_answer = inf
        for n, operation in enumerate(operations):
            if done >> n & 1:
                continue
            if operation.called > first_answer:
                break
            first_answer = min(first_answer, operation.answered)
            after = operation.after(version)
            if after is not None:
                open_.append((done | 1 << n, after))
    return False
