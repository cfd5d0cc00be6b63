"""How a caller is recognised: by a secret or a token, until it expires or has been revoked for a moment."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from application.access import CACHE_SECONDS, Access, Caller, Claims, Credential
from domain.errors import AccessDenied, Unauthenticated
from domain.values import Actor
from tests.builders import a_credential, a_tenant, an_actor
from tests.fakes import FakeCredentialStore, FakeTokenSigner

SECRET = "correct-horse"
DIGEST = FakeTokenSigner().digest(SECRET)


class Clock:
    """Stands for the module time: monotonic() goes when it is told to, and so does time() relative to the present."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.later = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return time.time() + self.later


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr("application.access.time", clock)
    return clock


def a_known_credential(*scopes: str, **changed: object) -> Credential:
    return a_credential(*scopes, **{"secret_digest": DIGEST, **changed})


def access_to(*credentials: Credential) -> tuple[Access, FakeCredentialStore, FakeTokenSigner]:
    store, tokens = FakeCredentialStore(*credentials), FakeTokenSigner()
    return Access(store, tokens), store, tokens


async def test_a_key_and_its_secret_are_a_caller() -> None:
    access, _, _ = access_to(a_known_credential("read", "write"))

    caller = await access.by_secret("k1", SECRET)

    assert caller == Caller(a_tenant(), "k1", "a test", ("read", "write"))


@pytest.mark.parametrize(("key_id", "secret"), [("k1", "wrong"), ("k1", ""), ("k2", SECRET), ("", "")])
async def test_another_key_or_secret_is_nobody_and_is_not_told_which_was_wrong(key_id: str, secret: str) -> None:
    access, _, _ = access_to(a_known_credential())

    with pytest.raises(Unauthenticated, match="There is no such key, or its secret is another one"):
        await access.by_secret(key_id, secret)


async def test_a_credential_in_one_piece_is_a_bearer_token() -> None:
    access, _, _ = access_to(a_known_credential())

    assert await access.by_bearer(f"ot_k1_{SECRET}") == await access.by_secret("k1", SECRET)


@pytest.mark.parametrize("token", ["ot_", "ot_k1", "ot_k1_", "ot_k1_wrong", f"k1_{SECRET}", f"OT_k1_{SECRET}", ""])
async def test_what_is_no_token_is_nobody(token: str) -> None:
    access, _, _ = access_to(a_known_credential())

    with pytest.raises(Unauthenticated):
        await access.by_bearer(token)


async def test_an_issued_token_carries_the_callers_scopes() -> None:
    access, _, _ = access_to(a_known_credential("read", "write:shopping"))
    caller = await access.by_secret("k1", SECRET)

    token = access.issue(caller, seconds=60)

    assert await access.by_bearer(token) == caller


async def test_a_token_expires() -> None:
    access, _, tokens = access_to(a_known_credential())
    caller = await access.by_secret("k1", SECRET)

    token = access.issue(caller, seconds=60)

    assert tokens.issued[token].expires_at == pytest.approx(time.time() + 60, abs=5)
    with pytest.raises(Unauthenticated):
        await access.by_bearer(access.issue(caller, seconds=0))


@pytest.mark.parametrize(
    ("issued_for", "used_for", "is_accepted"),
    [
        ("https://a", "https://a", True),
        ("https://a", "https://b", False),
        ("https://a", None, False),
        (None, "https://a", True),
        (None, None, True),
    ],
)
async def test_a_token_for_an_audience_is_good_for_that_audience_only(
    issued_for: str | None,
    used_for: str | None,
    is_accepted: bool,
) -> None:
    access, _, _ = access_to(a_known_credential())
    caller = await access.by_secret("k1", SECRET)

    token = access.issue(caller, seconds=60, audience=issued_for)

    if is_accepted:
        assert await access.by_bearer(token, audience=used_for) == caller
    else:
        with pytest.raises(Unauthenticated, match="another audience"):
            await access.by_bearer(token, audience=used_for)


async def test_an_audience_may_depend_on_the_tenant() -> None:
    access, _, _ = access_to(a_known_credential(tenant=a_tenant(dintero_account="T12345678")))
    caller = await access.by_secret("k1", SECRET)

    token = access.issue(caller, seconds=60, audience="T12345678")

    assert await access.by_bearer(token, audience=lambda tenant: tenant.dintero_account) == caller
    with pytest.raises(Unauthenticated, match="another audience"):
        await access.by_bearer(token, audience=lambda tenant: tenant.name)


async def test_a_token_never_gives_more_than_its_credential_does_now() -> None:
    access, _, tokens = access_to(a_known_credential("read", "write:shopping:/orders/ANY/events"))

    scopes = ("read:shopping", "write", "write:shopping:/orders/17/events", "admin")
    caller = await access.by_bearer(tokens.sign(Claims("k1", scopes, int(time.time()) + 60, None)))

    assert caller.scopes == ("read:shopping", "write:shopping:/orders/17/events")


async def test_a_token_whose_credential_is_gone_is_nobody() -> None:
    access, _, tokens = access_to()

    with pytest.raises(Unauthenticated, match="does not exist any more"):
        await access.by_bearer(tokens.sign(Claims("k1", ("admin",), int(time.time()) + 60, None)))


@pytest.mark.parametrize("seconds", [-1, 60])
async def test_a_credential_expires_and_with_it_its_tokens(seconds: int) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    access, _, tokens = access_to(a_known_credential(expires_at=expires_at))
    token = tokens.sign(Claims("k1", ("admin",), int(time.time()) + 600, None))

    for attempt in (lambda: access.by_secret("k1", SECRET), lambda: access.by_bearer(token)):
        if seconds > 0:
            assert (await attempt()).key_id == "k1"
        else:
            with pytest.raises(Unauthenticated, match="has expired"):
                await attempt()


async def test_a_credential_that_expires_while_it_is_remembered_is_refused(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=60)
    access, _, _ = access_to(a_known_credential(expires_at=expires_at))
    await access.by_secret("k1", SECRET)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return expires_at + timedelta(seconds=1)

    monkeypatch.setattr("application.access.datetime", Later)

    with pytest.raises(Unauthenticated, match="has expired"):
        await access.by_secret("k1", SECRET)


async def test_a_credential_is_looked_up_once_within_the_cache_time(clock: Clock) -> None:
    access, store, _ = access_to(a_known_credential())

    for _ in range(3):
        await access.by_secret("k1", SECRET)
        clock.now += CACHE_SECONDS / 4

    assert store.asked == 1


async def test_a_revoked_credential_is_refused_once_the_cache_time_is_over(clock: Clock) -> None:
    access, store, _ = access_to(a_known_credential())
    token = access.issue(await access.by_secret("k1", SECRET), seconds=60)
    del store.credentials["k1"]

    clock.now += CACHE_SECONDS * 0.99
    assert (await access.by_secret("k1", SECRET)).key_id == "k1"
    clock.now += CACHE_SECONDS * 0.01

    with pytest.raises(Unauthenticated):
        await access.by_secret("k1", SECRET)
    with pytest.raises(Unauthenticated):
        await access.by_bearer(token)


async def test_a_token_is_not_remembered_longer_than_its_credential(clock: Clock) -> None:
    access, store, _ = access_to(a_known_credential())
    token = access.issue(await access.by_secret("k1", SECRET), seconds=60)
    del store.credentials["k1"]

    clock.now += CACHE_SECONDS * 0.99
    for remembered in (token, f"ot_k1_{SECRET}"):
        assert (await access.by_bearer(remembered)).key_id == "k1"
    clock.now += CACHE_SECONDS * 0.01

    for remembered in (token, f"ot_k1_{SECRET}"):
        with pytest.raises(Unauthenticated):
            await access.by_bearer(remembered)


@pytest.mark.parametrize(("of_token", "of_credential"), [(60, None), (60, 600), (600, 60)])
async def test_a_token_that_expires_while_it_is_remembered_is_refused(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, of_token: int, of_credential: int | None
) -> None:
    expires_at = None if of_credential is None else datetime.now(UTC) + timedelta(seconds=of_credential)
    access, _, _ = access_to(a_known_credential(expires_at=expires_at))
    token = access.issue(await access.by_secret("k1", SECRET), seconds=of_token)
    assert (await access.by_bearer(token)).key_id == "k1"

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(clock.time(), UTC)

    clock.later = 61
    monkeypatch.setattr("application.access.datetime", Later)
    monkeypatch.setattr("tests.fakes.time", clock)

    with pytest.raises(Unauthenticated):
        await access.by_bearer(token)


async def test_a_remembered_token_is_still_good_for_its_audience_only(clock: Clock) -> None:
    access, _, _ = access_to(a_known_credential())
    caller = await access.by_secret("k1", SECRET)
    token = access.issue(caller, seconds=60, audience="https://a")
    assert await access.by_bearer(token, audience="https://a") == caller

    with pytest.raises(Unauthenticated, match="another audience"):
        await access.by_bearer(token, audience="https://b")


async def test_being_asked_for_does_not_keep_a_revoked_credential_alive(clock: Clock) -> None:
    access, store, _ = access_to(a_known_credential())
    await access.by_secret("k1", SECRET)
    del store.credentials["k1"]

    accepted = 0
    for _ in range(10):
        clock.now += CACHE_SECONDS / 2
        try:
            await access.by_secret("k1", SECRET)
        except AccessDenied:
            continue
        accepted += 1

    assert accepted == 1


async def test_a_new_credential_is_known_at_once(clock: Clock) -> None:
    access, store, _ = access_to()
    with pytest.raises(Unauthenticated):
        await access.by_secret("k1", SECRET)

    store.credentials["k1"] = a_known_credential()

    assert (await access.by_secret("k1", SECRET)).key_id == "k1"


async def test_a_credential_may_act_for_a_person() -> None:
    person = an_actor(id="60c1e027a47d91004377f129", name="shop", type="User")
    access, _, _ = access_to(a_known_credential(performer=person))

    by_secret = await access.by_secret("k1", SECRET)
    by_token = await access.by_bearer(access.issue(by_secret, seconds=60))

    assert by_secret.actor == by_token.actor == person.model_copy(update={"application_id": "k1"})


async def test_a_credential_that_acts_for_nobody_is_a_program() -> None:
    access, _, _ = access_to(a_known_credential())

    assert (await access.by_secret("k1", SECRET)).actor == Actor(
        id="k1", name="a test", type="Application", application_id="k1"
    )
