"""What was said in calls is what the events tell of, whatever a superuser does to the bodies."""

import psycopg
import pytest

from api.services import Services
from application.access.callers import Tenant
from domain.errors import InvalidEvent

CHANGES = {
    "a body that is not encrypted": "UPDATE ordertrail.bodies SET body = '{}'",
    "another body of the same order": "UPDATE ordertrail.bodies AS c SET body = o.body FROM ordertrail.bodies AS o"
    " WHERE o.digest <> c.digest AND o.tenant = 'acme' AND c.tenant = 'acme'",
    "a body that lost its end": "UPDATE ordertrail.bodies SET body = substr(body, 1, length(body) - 1)",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_body_that_was_changed_is_not_shown(services: Services, tenant: Tenant, dsn: str, change: str) -> None:
    said, _ = [await services.bodies.put(tenant.name, "order-1", body) for body in (b'{"a": 1}', b'{"a": 2}')]
    assert said is not None
    assert await services.bodies.get(tenant.name, "order-1", said.digest) == b'{"a": 1}'

    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(change.encode())

    with pytest.raises(InvalidEvent, match="changed after it was recorded"):
        await services.bodies.get(tenant.name, "order-1", said.digest)
