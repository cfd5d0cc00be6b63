"""A link signs in once. A session ends when it is signed out, or with the credential behind it."""

import pytest

from application.access.callers import Access
from application.access.links import LINK_AUDIENCE, Sessions
from domain.errors import Forbidden
from domain.values import TenantName
from tests.accessing import SECRET, a_known_credential
from tests.builders import a_caller
from tests.fakes import FakeCredentialStore, FakeTokenSigner


class FakeSpentTokens:
    """Remembers the tokens that are no longer good."""

    def __init__(self) -> None:
        self._spent: set[tuple[TenantName, bytes]] = set()

    async def spend(self, tenant: TenantName, digest: bytes) -> bool:
        was_good = not await self.is_spent(tenant, digest)
        self._spent.add((tenant, digest))
        return was_good

    async def is_spent(self, tenant: TenantName, digest: bytes) -> bool:
        return (tenant, digest) in self._spent


def some_sessions() -> tuple[Sessions, Access, FakeCredentialStore]:
    store = FakeCredentialStore(a_known_credential("admin"))
    access = Access(store, FakeTokenSigner())
    return Sessions(access, FakeSpentTokens()), access, store


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


async def test_a_session_ends_with_its_credential_at_once() -> None:
    sessions, access, store = some_sessions()
    session = sessions.begin(await access.by_secret("k1", SECRET))
    await sessions.caller(session)

    store.credentials.clear()

    with pytest.raises(Forbidden):
        await sessions.caller(session)


async def test_a_link_for_another_use_is_refused() -> None:
    sessions, access, _ = some_sessions()
    other = access.issue(a_caller("admin"), seconds=60, audience=f"{LINK_AUDIENCE}-else")

    with pytest.raises(Forbidden):
        await sessions.redeem(other)


async def test_a_session_that_was_signed_out_is_refused_at_every_worker() -> None:
    store, tokens, spent = FakeCredentialStore(a_known_credential("admin")), FakeTokenSigner(), FakeSpentTokens()
    one, other = (Sessions(Access(store, tokens), spent) for _ in range(2))
    session = one.begin(await Access(store, tokens).by_secret("k1", SECRET))
    await one.caller(session)
    await other.caller(session)

    await one.end(session)

    for worker in (one, other):
        with pytest.raises(Forbidden, match="signed out"):
            await worker.caller(session)


async def test_signing_out_ends_no_other_session() -> None:
    sessions, access, _ = some_sessions()
    caller = await access.by_secret("k1", SECRET)
    first, second = sessions.begin(caller), sessions.begin(caller)

    await sessions.end(first)

    assert (await sessions.caller(second)).key_id == "k1"


@pytest.mark.parametrize("token", ["", "x", f"ot_k1_{SECRET}"])
async def test_what_is_no_session_is_signed_out_of_nothing(token: str) -> None:
    sessions, access, _ = some_sessions()
    session = sessions.begin(await access.by_secret("k1", SECRET))

    await sessions.end(token)

    assert (await sessions.caller(session)).key_id == "k1"


async def test_a_link_cannot_be_signed_out() -> None:
    sessions, access, _ = some_sessions()
    link = sessions.link(await access.by_secret("k1", SECRET))

    await sessions.end(link)

    assert await sessions.redeem(link)
