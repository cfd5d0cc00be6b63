"""How the members of a consumer share its partitions."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Share(NamedTuple):
    """What a member gives up, and what it takes, to come to its share."""

    release: tuple[int, ...] = ()
    take: tuple[int, ...] = ()


def share_of(member: str, members: Sequence[str], owners: Mapping[int, str | None]) -> Share:
    """Return what a live member gives up and takes. members are live, in the order in which they joined.

    Shares differ by one at most, and those who joined first have the larger ones. A partition is taken from nobody who
    lives: a member waits until it is given up.
    """
    quota = quota_of(members.index(member), len(members), len(owners))
    own = sorted(partition for partition, owner in owners.items() if owner == member)
    if len(own) >= quota:
        return Share(release=tuple(own[quota:]))
    return Share(take=tuple(_free(owners, frozenset(members))[: quota - len(own)]))


def quota_of(place: int, members: int, partitions: int) -> int:
    """Return how many partitions the member at this place gets."""
    return partitions // members + (place < partitions % members)


def _free(owners: Mapping[int, str | None], members: Collection[str]) -> list[int]:
    return sorted(partition for partition, owner in owners.items() if owner not in members)
