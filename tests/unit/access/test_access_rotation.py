"""A credential's secret is replaced: the new one is good at once, the one before it for a while, others not at all."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from application.access.callers import CACHE_SECONDS, Access, Caller, Credential
from application.access.credentials import Ends
from application.access.tokens import fingerprint_of
from domain.errors import Forbidden, Unauthenticated
from tests.accessing import DIGEST, FINGERPRINT, SECRET, Clock, a_known_credential, access_to, claims
from tests.fakes import FakeTokenSigner

NEW = "battery-staple"
NEW_DIGEST = FakeTokenSigner().digest(NEW)
KEPT_SECONDS = 60
LINK = "a link"


def rotated(*, keep: float = KEPT_SECONDS, expires_at: datetime | None = None) -> Credential:
    """Return the known credential with a new secret; the known one is kept for so many seconds, or not at all."""
    until = datetime.now(UTC) + timedelta(seconds=keep) if keep else None
    earlier = DIGEST if keep else None
    return a_known_credential(secret_digest=NEW_DIGEST, earlier_digest=earlier, ends=Ends(expires_at, None, until))


def every_way(access: Access, secret: str, token: str) -> list[Callable[[], Awaitable[Caller]]]:
    """Return the ways in which a secret, and a token that was issued for it, open."""
    return [
        lambda: access.by_secret("k1", secret),
        lambda: access.by_bearer(f"ot_k1_{secret}"),
        lambda: access.by_bearer(token),
    ]


async def test_both_secrets_and_their_tokens_are_good_for_a_while() -> None:
    access, _, tokens = access_to(rotated())
    of_old, of_new = tokens.sign(claims()), tokens.sign(claims(fingerprint=fingerprint_of(NEW_DIGEST)))

    for attempt in (*every_way(access, SECRET, of_old), *every_way(access, NEW, of_new)):
        assert (await attempt()).key_id == "k1"


async def test_after_the_while_the_old_secret_ends_with_its_tokens_and_links(clock: Clock) -> None:
    access, _, _ = access_to(rotated())
    caller = await access.by_secret("k1", SECRET)
    token, link = access.issue(caller, seconds=86_400), access.issue(caller, seconds=900, audience=LINK)
    assert (await access.by_bearer(token)).key_id == (await access.by_link(link, audience=LINK)).key_id == "k1"

    clock.later = KEPT_SECONDS + 1

    for attempt in every_way(access, SECRET, token):
        with pytest.raises(Unauthenticated):
            await attempt()
    with pytest.raises(Forbidden):
        await access.by_link(link, audience=LINK)
    assert (await access.by_secret("k1", NEW)).key_id == "k1"


async def test_who_has_the_old_secret_is_told_that_there_is_a_new_one() -> None:
    access, _, tokens = access_to(rotated(keep=-1))

    for attempt in every_way(access, SECRET, tokens.sign(claims())):
        with pytest.raises(Unauthenticated, match="The secret was replaced, and is not valid any more"):
            await attempt()


async def test_a_token_of_the_old_secret_lasts_no_longer_than_it_does() -> None:
    access, _, tokens = access_to(rotated())

    old, new = await access.by_secret("k1", SECRET), await access.by_secret("k1", NEW)

    assert old.seconds_of(600) == pytest.approx(KEPT_SECONDS, abs=5)
    assert new.seconds_of(600) == 600
    issued = [tokens.issued[access.issue(caller, seconds=600)] for caller in (old, new)]
    assert issued[1].expires_at - issued[0].expires_at == pytest.approx(600 - KEPT_SECONDS, abs=5)
    assert [token.fingerprint for token in issued] == [FINGERPRINT, fingerprint_of(NEW_DIGEST)]


async def test_the_credentials_own_end_comes_first_if_it_is_earlier() -> None:
    access, _, _ = access_to(rotated(expires_at=datetime.now(UTC) + timedelta(seconds=30)))

    for secret in (SECRET, NEW):
        assert (await access.by_secret("k1", secret)).seconds_of(600) == pytest.approx(30, abs=5)


async def test_the_new_secret_is_good_at_once_where_the_old_one_is_remembered(clock: Clock) -> None:
    access, store, tokens = access_to(a_known_credential())
    await access.by_secret("k1", SECRET)

    store.credentials["k1"] = rotated(keep=0)

    # A token may have been issued by another worker.
    elsewhere = tokens.sign(claims(fingerprint=fingerprint_of(NEW_DIGEST)))
    for attempt in every_way(access, NEW, elsewhere):
        assert (await attempt()).key_id == "k1"


async def test_a_secret_that_ends_at_once_ends_within_the_cache_time(clock: Clock) -> None:
    access, store, _ = access_to(a_known_credential())
    token = access.issue(await access.by_secret("k1", SECRET), seconds=600)
    for attempt in every_way(access, SECRET, token):
        await attempt()

    store.credentials["k1"] = rotated(keep=0)
    clock.now += CACHE_SECONDS

    for attempt in every_way(access, SECRET, token):
        with pytest.raises(Unauthenticated):
            await attempt()


async def test_a_token_of_a_secret_before_the_last_two_is_refused() -> None:
    access, _, tokens = access_to(rotated())

    with pytest.raises(Unauthenticated, match="get a token with the new one"):
        await access.by_bearer(tokens.sign(claims(fingerprint=fingerprint_of(b"the oldest"))))


@pytest.mark.parametrize("secret", [SECRET, NEW])
async def test_both_secrets_end_when_the_credential_is_revoked(secret: str) -> None:
    now = datetime.now(UTC)
    ended = rotated()._replace(ends=Ends(None, now, now + timedelta(seconds=60)))
    access, _, _ = access_to(ended)

    with pytest.raises(Unauthenticated, match="The credential was revoked"):
        await access.by_secret("k1", secret)


@pytest.mark.parametrize("secret", ["wrong", "", SECRET + "x"])
async def test_no_other_secret_is_good(secret: str) -> None:
    access, _, _ = access_to(rotated())

    with pytest.raises(Unauthenticated, match="There is no such key, or the secret is wrong"):
        await access.by_secret("k1", secret)
