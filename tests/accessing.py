"""Access to credentials in memory, one of which has a secret that tests know."""

import time
from typing import Any

from application.access.callers import Access, Credential
from application.access.tokens import Claims, fingerprint_of
from tests.builders import a_credential
from tests.fakes import FakeCredentialStore, FakeTokenSigner

SECRET = "correct-horse"
DIGEST = FakeTokenSigner().digest(SECRET)
FINGERPRINT = fingerprint_of(DIGEST)


class Clock:
    """Stands for the module time: monotonic() goes when it is told to, and so does time() relative to the present."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.later = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return time.time() + self.later


def a_known_credential(*scopes: str, **changed: Any) -> Credential:
    return a_credential(*scopes, **{"secret_digest": DIGEST, **changed})


def access_to(*credentials: Credential) -> tuple[Access, FakeCredentialStore, FakeTokenSigner]:
    store, tokens = FakeCredentialStore(*credentials), FakeTokenSigner()
    return Access(store, tokens), store, tokens


def claims(*scopes: str, seconds: int = 60, fingerprint: str = FINGERPRINT) -> Claims:
    """Return what a token says that is issued to the known credential."""
    return Claims("k1", scopes or ("admin",), int(time.time()) + seconds, None, fingerprint)
