"""Signed tokens, as they are on the wire."""

import jwt
import pytest

from application.access.tokens import Claims
from domain.errors import Unauthenticated
from infrastructure.keys.tokens import ALGORITHM, JwtSigner

KEY = bytes(32)
SAYS = Claims("k1", ("read", "write:orders"), 4_000_000_000, "https://a", "0123456789abcdef", "7")
PAYLOAD = {
    "sub": "k1",
    "exp": 4_000_000_000,
    "scope": "read write:orders",
    "fingerprint": "0123456789abcdef",
    "jti": "7",
}


@pytest.mark.parametrize("claims", [SAYS, SAYS._replace(audience=None), SAYS._replace(scopes=())])
def test_a_token_says_what_was_signed(claims: Claims) -> None:
    assert JwtSigner(KEY).read(JwtSigner(KEY).sign(claims)) == claims


@pytest.mark.parametrize("left_out", ["sub", "exp", "scope", "fingerprint", "jti"])
def test_a_token_that_does_not_say_everything_is_refused(left_out: str) -> None:
    payload = {name: value for name, value in PAYLOAD.items() if name != left_out}

    assert JwtSigner(KEY).read(jwt.encode(PAYLOAD, KEY, algorithm=ALGORITHM)).key_id == "k1"
    with pytest.raises(Unauthenticated):
        JwtSigner(KEY).read(jwt.encode(payload, KEY, algorithm=ALGORITHM))


def test_a_token_of_another_key_or_algorithm_is_refused() -> None:
    for token in (JwtSigner(b"x" * 32).sign(SAYS), jwt.encode(PAYLOAD, None, algorithm="none")):
        with pytest.raises(Unauthenticated, match="not issued by this server"):
            JwtSigner(KEY).read(token)
