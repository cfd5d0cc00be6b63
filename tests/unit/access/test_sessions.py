"""A link signs in once, and a session ends with the credential behind it."""

import pytest

from application.access.callers import Access
from application.access.links import LINK_AUDIENCE, Sessions
from domain.errors import Forbidden
from domain.values import TenantName
from tests.accessing import SECRET, Clock, a_known_credential
from tests.builders import a_caller
from tests.fakes import FakeCredentialStore, FakeTokenSigner


class FakeUsedLinks:
    """Remembers the links that were used."""

    def __init__(self) -> None:
        self._used: set[tuple[TenantName, bytes]] = set()

    async def use(self, tenant: TenantName, digest: bytes) -> bool:
        is_new = not await self.is_used(tenant, digest)
        self._used.add((tenant, digest))
        return is_new

    async def is_used(self, tenant: TenantName, digest: bytes) -> bool:
        return (tenant, digest) in self._used


def some_sessions() -> tuple[Sessions, Access, FakeCredentialStore]:
    store = FakeCredentialStore(a_known_credential("admin"))
    access = Access(store, FakeTokenSigner())
    return Sessions(access, FakeUsedLinks()), access, store


async def test_a_link_begins_a_session_once() -> None:
    sessions, access, _ = some_sessions()
    link = sessions.link(await access.by_secret("k1", SECRET))

    session = await sessions.redeem(link)

    assert (await sessions.caller(session)).key_id == "k1"
    with pytest.raises(Forbidden, match="used before"):
        await sessions.redeem(link)


async def test_looking_at_a_link_does_not_use_it() -> None:
    sessions, access, _ = some_sessions()
    link = sessions.link(await access.by_secret("k1", SECRET))

    assert (await sessions.look_at(link)).key_id == "k1"
    await sessions.look_at(link)

    await sessions.redeem(link)
    with pytest.raises(Forbidden, match="used before"):
        await sessions.look_at(link)


async def test_a_link_is_no_session_and_a_session_is_no_link() -> None:
    sessions, access, _ = some_sessions()
    caller = await access.by_secret("k1", SECRET)

    with pytest.raises(Forbidden):
        await sessions.caller(sessions.link(caller))
    with pytest.raises(Forbidden):
        await sessions.redeem(sessions.begin(caller))


@pytest.mark.parametrize("token", [f"ot_k1_{SECRET}", "", "ot_"])
async def test_a_credential_is_no_session(token: str) -> None:
    sessions, _, _ = some_sessions()

    with pytest.raises(Forbidden):
        await sessions.caller(token)


async def test_a_session_ends_with_its_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("application.access.callers.time", clock)
    sessions, access, store = some_sessions()
    session = sessions.begin(await access.by_secret("k1", SECRET))
    await sessions.caller(session)

    store.credentials.clear()
    clock.now += 10

    with pytest.raises(Forbidden):
        await sessions.caller(session)


async def test_a_link_for_another_use_is_refused() -> None:
    sessions, access, _ = some_sessions()
    other = access.issue(a_caller("admin"), seconds=60, audience=f"{LINK_AUDIENCE}-else")

    with pytest.raises(Forbidden):
        await sessions.redeem(other)
