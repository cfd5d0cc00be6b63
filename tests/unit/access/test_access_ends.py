"""A credential that expires or is revoked ends with its tokens and its links, whatever a worker remembers."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from application.access.callers import CACHE_SECONDS
from application.access.credentials import Ends, KeyState
from domain.errors import AccessDenied, Forbidden, Unauthenticated
from tests.accessing import SECRET, Clock, a_known_credential, access_to, claims
from tests.fakes import FakeCredentialStore

LINK = "a link"
End = Callable[[FakeCredentialStore], None]


def delete(store: FakeCredentialStore) -> None:
    del store.credentials["k1"]


def revoke(store: FakeCredentialStore) -> None:
    store.credentials["k1"] = a_known_credential(ends=Ends(revoked_at=soon(0)))


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


either = pytest.mark.parametrize("end", [revoke, delete])


@pytest.mark.parametrize("seconds", [0, 60])
async def test_a_credential_expires_and_with_it_its_tokens(seconds: int) -> None:
    access, _, tokens = access_to(a_known_credential(ends=Ends(expires_at=soon(seconds))))
    token = tokens.sign(claims(seconds=600))

    for attempt in (lambda: access.by_secret("k1", SECRET), lambda: access.by_bearer(token)):
        if seconds > 0:
            assert (await attempt()).key_id == "k1"
        else:
            with pytest.raises(Unauthenticated, match="has expired"):
                await attempt()


async def test_a_credential_that_expires_while_it_is_remembered_is_refused(clock: Clock) -> None:
    access, _, _ = access_to(a_known_credential(ends=Ends(expires_at=soon(60))))
    await access.by_secret("k1", SECRET)

    clock.later = 61

    with pytest.raises(Unauthenticated, match="has expired"):
        await access.by_secret("k1", SECRET)


@pytest.mark.parametrize(("of_token", "of_credential"), [(60, None), (60, 600), (600, 60)])
async def test_a_token_that_expires_while_it_is_remembered_is_refused(
    clock: Clock, of_token: int, of_credential: int | None
) -> None:
    expires_at = None if of_credential is None else soon(of_credential)
    access, _, _ = access_to(a_known_credential(ends=Ends(expires_at=expires_at)))
    token = access.issue(await access.by_secret("k1", SECRET), seconds=of_token)
    assert (await access.by_bearer(token)).key_id == "k1"

    clock.later = 61

    with pytest.raises(Unauthenticated):
        await access.by_bearer(token)


@pytest.mark.parametrize(("of_credential", "of_token"), [(None, 600), (3_600, 600), (60, 60)])
async def test_no_token_is_issued_for_longer_than_its_credential(of_credential: int | None, of_token: int) -> None:
    expires_at = None if of_credential is None else soon(of_credential)
    access, _, tokens = access_to(a_known_credential(ends=Ends(expires_at=expires_at)))
    caller = await access.by_secret("k1", SECRET)

    token = access.issue(caller, seconds=600)

    says = tokens.issued[token].expires_at
    assert says == pytest.approx(time.time() + of_token, abs=5)
    assert expires_at is None or says <= expires_at.timestamp()
    assert caller.seconds_of(600) == pytest.approx(of_token, abs=5)


async def test_a_credential_is_looked_up_once_within_the_cache_time(clock: Clock) -> None:
    access, store, _ = access_to(a_known_credential())

    for _ in range(3):
        await access.by_secret("k1", SECRET)
        clock.now += CACHE_SECONDS / 4

    assert store.asked == 1


@either
async def test_a_credential_that_has_ended_is_refused_once_the_cache_time_is_over(clock: Clock, end: End) -> None:
    access, store, _ = access_to(a_known_credential())
    caller = await access.by_secret("k1", SECRET)
    token, link = access.issue(caller, seconds=60), access.issue(caller, seconds=60, audience=LINK)
    end(store)

    clock.now += CACHE_SECONDS * 0.99
    assert (await access.by_secret("k1", SECRET)).key_id == "k1"
    clock.now += CACHE_SECONDS * 0.01

    with pytest.raises(Unauthenticated):
        await access.by_secret("k1", SECRET)
    with pytest.raises(Unauthenticated):
        await access.by_bearer(token)
    with pytest.raises(Forbidden):
        await access.by_link(link, audience=LINK)


@either
async def test_a_token_is_not_remembered_longer_than_its_credential(clock: Clock, end: End) -> None:
    access, store, _ = access_to(a_known_credential())
    token = access.issue(await access.by_secret("k1", SECRET), seconds=60)
    end(store)

    clock.now += CACHE_SECONDS * 0.99
    for remembered in (token, f"ot_k1_{SECRET}"):
        assert (await access.by_bearer(remembered)).key_id == "k1"
    clock.now += CACHE_SECONDS * 0.01

    for remembered in (token, f"ot_k1_{SECRET}"):
        with pytest.raises(Unauthenticated):
            await access.by_bearer(remembered)


@either
async def test_being_asked_for_does_not_keep_a_credential_alive_that_has_ended(clock: Clock, end: End) -> None:
    access, store, _ = access_to(a_known_credential())
    await access.by_secret("k1", SECRET)
    end(store)

    accepted = 0
    for _ in range(10):
        clock.now += CACHE_SECONDS / 2
        try:
            await access.by_secret("k1", SECRET)
        except AccessDenied:
            continue
        accepted += 1

    assert accepted == 1


async def test_only_who_has_the_secret_is_told_that_a_credential_was_revoked() -> None:
    access, store, tokens = access_to(a_known_credential())
    revoke(store)

    for attempt in (
        lambda: access.by_secret("k1", SECRET),
        lambda: access.by_bearer(f"ot_k1_{SECRET}"),
        lambda: access.by_bearer(tokens.sign(claims())),
    ):
        with pytest.raises(Unauthenticated, match="The credential was revoked"):
            await attempt()
    with pytest.raises(Unauthenticated, match="There is no such key, or the secret is wrong"):
        await access.by_secret("k1", "wrong")


def test_of_all_that_ended_a_credential_the_worst_is_said() -> None:
    now, before, after = soon(0), soon(-1), soon(1)

    assert Ends().state(now) is KeyState.ACTIVE
    assert Ends(after, None, before).state(now) is KeyState.ACTIVE
    assert Ends(after, None, after).state(now) is KeyState.ROTATING
    assert Ends(now, None, after).state(now) is KeyState.EXPIRED
    assert Ends(before, before, after).state(now) is KeyState.REVOKED
    assert [state for state in KeyState if state.is_usable] == [KeyState.ACTIVE, KeyState.ROTATING]
