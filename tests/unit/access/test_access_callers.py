"""How a caller is recognised: by a secret or a token."""

import time

import pytest

from application.access.callers import Access, Caller
from application.access.tokens import fingerprint_of
from domain.errors import Busy, Unauthenticated
from domain.values import Actor
from tests.accessing import DIGEST, SECRET, Clock, a_known_credential, access_to, claims
from tests.builders import a_tenant, an_actor
from tests.fakes import FakeCredentialStore, FakeTokenSigner


async def test_a_key_and_its_secret_are_a_caller() -> None:
    access, _, _ = access_to(a_known_credential("read", "write"))

    caller = await access.by_secret("k1", SECRET)

    assert caller == Caller(a_tenant(), "k1", "a test", ("read", "write"), fingerprint=fingerprint_of(DIGEST))


@pytest.mark.parametrize(("key_id", "secret"), [("k1", "wrong"), ("k1", ""), ("k2", SECRET), ("", "")])
async def test_another_key_or_secret_is_nobody_and_is_not_told_which_was_wrong(key_id: str, secret: str) -> None:
    access, _, _ = access_to(a_known_credential())

    with pytest.raises(Unauthenticated, match="There is no such key, or the secret is wrong"):
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
    caller = await access.by_bearer(tokens.sign(claims(*scopes)))

    assert caller.scopes == ("read:shopping", "write:shopping:/orders/17/events")


async def test_a_token_whose_credential_is_gone_is_nobody() -> None:
    access, _, tokens = access_to()

    with pytest.raises(Unauthenticated, match="does not exist any more"):
        await access.by_bearer(tokens.sign(claims()))


async def test_a_remembered_token_is_still_good_for_its_audience_only(clock: Clock) -> None:
    access, _, _ = access_to(a_known_credential())
    caller = await access.by_secret("k1", SECRET)
    token = access.issue(caller, seconds=60, audience="https://a")
    assert await access.by_bearer(token, audience="https://a") == caller

    with pytest.raises(Unauthenticated, match="another audience"):
        await access.by_bearer(token, audience="https://b")


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


async def test_nobody_is_let_in_of_whom_nothing_can_be_reached() -> None:
    lost: set[str] = set()

    def require_reachable(tenant: str) -> None:
        if tenant in lost:
            raise Busy

    store = FakeCredentialStore(a_known_credential())
    access = Access(store, FakeTokenSigner(), require_reachable=require_reachable)
    token = f"ot_k1_{SECRET}"
    await access.by_bearer(token)
    lost.add(a_tenant().name)

    with pytest.raises(Busy):
        await access.by_bearer(token)
    with pytest.raises(Busy):
        await access.by_secret("k1", SECRET)
    with pytest.raises(Unauthenticated):
        await access.by_secret("k1", "wrong")
