"""The whole installation is looked at now and then, however many ask, and however long a look takes."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from api.http.observation import looks
from api.http.observation.looks import KEPT_SECONDS, KEPT_TIMES, Looks
from application.views.health import DeliveryHealth, ProjectionHealth, SealingHealth


class FakeHealth:
    def __init__(self, take: Callable[[], None]) -> None:
        self.looks = 0
        self._take = take

    async def projections(self) -> list[ProjectionHealth]:
        self.looks += 1
        self._take()
        await asyncio.sleep(0)
        return []

    async def sealing(self) -> SealingHealth:
        return SealingHealth(self.looks, 0, 0.0)

    async def damaged_keys(self) -> int:
        return 0

    async def deliveries(self) -> list[DeliveryHealth]:
        return []

    async def clock_ahead(self) -> float:
        return 0.0

    def refusal_of_writes(self) -> str | None:
        return None

    def lost_nodes(self) -> Mapping[str, int]:
        return {}


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(looks, "monotonic", lambda: self.now)

    def passes(self, seconds: float) -> None:
        self.now += seconds


async def test_all_who_ask_at_once_get_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, seen = Clock(monkeypatch), Looks()
    health = FakeHealth(lambda: clock.passes(0.001))

    found = await asyncio.gather(*(seen.at(health) for _ in range(20)))

    assert health.looks == 1
    assert {id(look) for look in found} == {id(found[0])}


@pytest.mark.parametrize(("takes", "kept"), [(0.001, KEPT_SECONDS), (0.5, KEPT_TIMES * 0.5)])
async def test_a_look_is_kept_for_as_long_as_it_cost(
    monkeypatch: pytest.MonkeyPatch, takes: float, kept: float
) -> None:
    clock, seen = Clock(monkeypatch), Looks()
    health = FakeHealth(lambda: clock.passes(takes))
    await seen.at(health)

    clock.passes(kept - 0.01)
    assert (await seen.at(health)).sealing.unsealed == 1
    clock.passes(0.02)
    assert (await seen.at(health)).sealing.unsealed == 2
