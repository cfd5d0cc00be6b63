"""Looks at the health of the whole installation, which take long where there are many tenants."""

import asyncio
from collections.abc import Mapping, Sequence
from math import inf
from time import monotonic
from typing import NamedTuple

from application.views.health import DeliveryHealth, Health, ProjectionHealth, SealingHealth

KEPT_SECONDS = 1.0
KEPT_TIMES = 20
"""A look is kept for a second, or for so many times as long as it took: whoever asks, and however often, the database
is busy with looks for a twentieth of the time at most."""


class Look(NamedTuple):
    """What was seen of views, sealing, keys, consumers and webhooks, without the tenants of lost nodes."""

    projections: Sequence[ProjectionHealth]
    sealing: SealingHealth
    damaged_keys: int
    deliveries: Sequence[DeliveryHealth]
    lost_nodes: Mapping[str, int]
    """How many tenants each lost node has."""


class Looks:
    """Looks at most so often. All who ask meanwhile get the same look."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._kept: Look | None = None
        self._until = -inf

    async def at(self, health: Health) -> Look:
        """Return the last look, or a new one. Raises Unavailable."""
        async with self._turn:
            began = monotonic()
            if self._kept is None or began >= self._until:
                self._kept = await _look(health)
                taken = monotonic() - began
                self._until = began + taken + max(KEPT_SECONDS, KEPT_TIMES * taken)
            return self._kept


async def _look(health: Health) -> Look:
    seen = await asyncio.gather(health.projections(), health.sealing(), health.damaged_keys(), health.deliveries())
    return Look(*seen, health.lost_nodes())
