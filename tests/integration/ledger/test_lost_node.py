"""If a node of the cluster is lost, its tenants hear so, the others go on, and what was acknowledged is there."""

from collections.abc import AsyncIterator

import pytest

from domain.errors import OutcomeUnknown, Unavailable
from tests.lost_node import Shop, gone, open_shop

pytestmark = pytest.mark.citus


@pytest.fixture
async def shop(dsn: str) -> AsyncIterator[Shop]:
    async with open_shop(dsn) as opened:
        yield opened


async def test_tenants_of_a_lost_node_hear_so_and_the_others_go_on(shop: Shop) -> None:
    acknowledged = [await shop.append(shop.lost, "before"), await shop.append(shop.other, "before")]

    with gone(shop.node):
        with pytest.raises((Unavailable, OutcomeUnknown)):
            await shop.append(shop.lost, "in between")
        assert await shop.append(shop.other, "meanwhile") == 2
        with pytest.raises(Unavailable, match="cannot be reached"):
            await shop.append(shop.lost, "known to be lost")
        with pytest.raises(Unavailable, match="cannot be reached"):
            await shop.ids(shop.lost)

    assert acknowledged == [1, 1]
    assert await shop.append(shop.lost, "after") == 2
    assert await shop.ids(shop.lost) == ["before", "after"]
    assert await shop.ids(shop.other) == ["before", "meanwhile"]
