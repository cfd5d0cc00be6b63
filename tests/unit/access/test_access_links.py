"""The token in a link is good for what the link is for, and for nothing else."""

import pytest

from application.access.callers import Access
from application.access.tokens import Claims
from domain.errors import Forbidden, Unauthenticated
from tests.builders import a_caller, a_credential
from tests.fakes import FakeCredentialStore, FakeTokenSigner

AUDIENCE = "a link"
SCOPE = "read:orders:/A-1"


def an_access(*scopes: str) -> tuple[Access, FakeTokenSigner, FakeCredentialStore]:
    tokens, credentials = FakeTokenSigner(), FakeCredentialStore(a_credential(*scopes))
    return Access(credentials, tokens), tokens, credentials


async def test_a_link_lets_its_reader_do_what_it_says_and_no_more() -> None:
    access, _, _ = an_access("admin")

    token = access.issue(a_caller(SCOPE), seconds=60, audience=AUDIENCE)

    assert (await access.by_link(token, audience=AUDIENCE)).scopes == (SCOPE,)


async def test_a_link_ends_when_its_maker_loses_the_scope() -> None:
    access, _, _ = an_access("write:orders")

    token = access.issue(a_caller(SCOPE), seconds=60, audience=AUDIENCE)

    assert (await access.by_link(token, audience=AUDIENCE)).scopes == ()


@pytest.mark.parametrize(
    "claims",
    [
        Claims("k1", (SCOPE,), 2**40, None, ""),
        Claims("k1", (SCOPE,), 2**40, "another link", ""),
        Claims("k1", (SCOPE,), 1, AUDIENCE, ""),
        Claims("nobody", (SCOPE,), 2**40, AUDIENCE, ""),
        Claims("k1", (SCOPE,), 2**40, AUDIENCE, "another"),
    ],
    ids=["a credential's token", "of another link", "expired", "of nobody", "of another secret"],
)
async def test_other_tokens_are_forbidden_in_a_link(claims: Claims) -> None:
    access, tokens, _ = an_access()

    with pytest.raises(Forbidden, match="ask for a new one"):
        await access.by_link(tokens.sign(claims), audience=AUDIENCE)


@pytest.mark.parametrize("token", ["", "x", "ot_k1_secret"])
async def test_what_is_no_token_is_forbidden_in_a_link(token: str) -> None:
    access, _, credentials = an_access()

    with pytest.raises(Forbidden):
        await access.by_link(token, audience=AUDIENCE)
    assert credentials.asked == 0


async def test_a_links_token_is_no_credential() -> None:
    access, _, _ = an_access()

    token = access.issue(a_caller(SCOPE), seconds=60, audience=AUDIENCE)

    with pytest.raises(Unauthenticated):
        await access.by_bearer(token)
