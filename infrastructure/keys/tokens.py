"""Signed tokens: JSON Web Tokens with a fixed algorithm and the installation's own key."""

from hashlib import sha256

import jwt

from application.access.tokens import Claims
from domain.errors import Unauthenticated

ALGORITHM = "HS256"


class JwtSigner:
    """Implements application.access.tokens.TokenSigner. We choose the algorithm; the token never does."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, claims: Claims) -> str:
        payload: dict[str, object] = {
            "sub": claims.key_id,
            "scope": " ".join(claims.scopes),
            "exp": claims.expires_at,
            "fingerprint": claims.fingerprint,
            "jti": claims.id,
        }
        if claims.audience is not None:
            payload["aud"] = claims.audience
        return jwt.encode(payload, self._key, algorithm=ALGORITHM)

    def read(self, token: str) -> Claims:
        try:
            payload = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                options={
                    "require": ["sub", "exp", "scope", "fingerprint", "jti"],
                    "verify_aud": False,
                },  # Access knows the audience
            )
        except jwt.ExpiredSignatureError as exc:
            raise Unauthenticated("The token has expired; get a new one") from exc
        except jwt.InvalidTokenError as exc:
            raise Unauthenticated("The token was not issued by this server") from exc
        return Claims(
            key_id=payload["sub"],
            scopes=tuple(payload["scope"].split()),
            expires_at=int(payload["exp"]),
            audience=payload.get("aud"),
            fingerprint=payload["fingerprint"],
            id=payload["jti"],
        )

    def digest(self, secret: str) -> bytes:
        return digest_of(secret)


def digest_of(secret: str) -> bytes:
    """Return the digest as which a secret is stored."""
    # Secrets are 256 random bits, so nobody can guess one for a plain digest; a slow digest would slow every request.
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()
