"""If a node of the cluster is lost, the others' views and seals go on, and all is told without the lost tenants."""

from collections.abc import AsyncIterator

import pytest

from api.bootstrap import open_deliverer, open_expiry, open_sealer
from api.services import Services
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.views.upkeep.projector import Projector
from domain.errors import Busy, NotSealed
from domain.values import TenantName
from tests.builders import an_event
from tests.lost_node import Shop, gone, open_shop

pytestmark = pytest.mark.citus


@pytest.fixture
async def shop(dsn: str) -> AsyncIterator[Shop]:
    async with open_shop(dsn) as opened:
        yield opened


@pytest.fixture(autouse=True)
def nodes_are_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.postgres.nodes.LOOK_SECONDS", 0.0)


async def tell(services: Services, tenant: TenantName) -> None:
    await services.store.append(Append(tenant, (Write("order-1", ANY, (encode(an_event()),)),)))


async def test_views_and_seals_of_the_others_go_on_and_the_lost_ones_follow(
    shop: Shop, services: Services, projector: Projector, dsn: str
) -> None:
    for tenant in (shop.lost, shop.other):
        await tell(services, tenant)

    async with open_sealer(dsn) as sealer:
        with gone(shop.node):
            await sealer.seal_all()
            assert await projector.behind() == [shop.other]
            assert await projector.project(shop.other) == 1
            with pytest.raises(Busy, match="cannot be reached"):
                await projector.project(shop.lost)
            assert await services.proofs.checkpoint(shop.other)

        assert set(await projector.behind()) == {shop.lost}
        assert await projector.project(shop.lost) == 1
        with pytest.raises(NotSealed):
            await services.proofs.checkpoint(shop.lost)
        await sealer.seal_all()
        assert await services.proofs.checkpoint(shop.lost)


async def test_health_is_told_of_the_others_and_names_the_lost_node(shop: Shop, services: Services) -> None:
    for tenant in (shop.lost, shop.lost, shop.other):
        await tell(services, tenant)
    assert (await services.health.sealing()).unsealed == 2

    with gone(shop.node):
        assert (await services.health.sealing()).unsealed == 1
        assert {view.lag for view in await services.health.projections()} == {1}
        assert await services.health.damaged_keys() == 0
        assert [kind.number for kind in await services.health.deliveries()] == [0, 0]
        lost = {f"{host}:{port}": len(found) for (host, port), found in shop.places.items() if shop.lost in found}
        assert services.health.lost_nodes() == lost


async def test_what_is_done_for_all_tenants_leaves_out_the_lost(shop: Shop, dsn: str) -> None:
    with gone(shop.node):
        async with open_expiry(dsn) as expiry, open_deliverer(dsn) as deliverer:
            await expiry.expire_all()
            await deliverer.look()
            await deliverer.prune()
