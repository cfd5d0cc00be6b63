"""Makes the things that an installation has one of, when its database is set up."""

import secrets

from psycopg.errors import InsufficientPrivilege

from application.transparency.keys import new_signing_key
from infrastructure.keys.installation import FINGERPRINT, FINGERPRINT_KEY, INSTALLATION_KEY, ORIGIN, TOKEN_KEY, NotSetUp
from infrastructure.keys.installation_key import InstallationKey, WrongInstallationKey
from infrastructure.keys.signing_keys import wrapped
from infrastructure.postgres.statements import statements
from infrastructure.setup.owner_session import Session

_SQL = statements("installation")
_KEYS = statements("signing_keys")


def set_up_installation(session: Session, given: bytes | None) -> None:
    """Make what is missing, with the rights of the database's owner. given is the key from the settings, if there is
    one.

    A user who may only read is told what is missing. Raises WrongInstallationKey, NotSetUp.
    """
    missing = _missing(session, given)
    if missing is None:
        return
    try:
        with session.transaction():
            session.execute(_SQL["lock"])
            _make(session, given)
    except InsufficientPrivilege as exc:
        raise NotSetUp(missing) from exc


def _missing(session: Session, given: bytes | None) -> str | None:
    """Return something that is missing; None if nothing is."""
    kept = _kept(session)
    _key(kept, given)
    wanted = [ORIGIN, FINGERPRINT, TOKEN_KEY, FINGERPRINT_KEY, *([] if given else [INSTALLATION_KEY])]
    not_kept = [name for name in wanted if name not in kept]
    return next(iter(not_kept), None if _has_signing_key(session) else "signing key")


def _make(session: Session, given: bytes | None) -> None:
    # If this process waited for another one's lock, it finds here what that one made.
    kept = _kept(session)
    key = _key(kept, given)
    if key is None:
        made = secrets.token_bytes(32)
        _keep(session, INSTALLATION_KEY, made)
        key = InstallationKey(made)
    if FINGERPRINT not in kept:
        _keep(session, FINGERPRINT, key.fingerprint)
    if ORIGIN not in kept:
        _keep(session, ORIGIN, secrets.token_bytes(32))
    for name in {TOKEN_KEY, FINGERPRINT_KEY} - kept.keys():
        _keep(session, name, key.wrap(secrets.token_bytes(32), name.encode()))
    if not _has_signing_key(session):
        session.execute(_KEYS["add_signing_key"], wrapped(new_signing_key(), key)._asdict())


def _key(kept: dict[str, bytes], given: bytes | None) -> InstallationKey | None:
    """Return the installation's key; None if there is none yet.

    Raises WrongInstallationKey if other keys are encrypted with another key, or if they are encrypted and no key is
    given.
    """
    secret = given or kept.get(INSTALLATION_KEY)
    key = None if secret is None else InstallationKey(secret)
    if FINGERPRINT in kept and (key is None or key.fingerprint != kept[FINGERPRINT]):
        raise WrongInstallationKey
    return key


def _kept(session: Session) -> dict[str, bytes]:
    return dict(session.execute(_SQL["values"]).fetchall())


def _keep(session: Session, name: str, value: bytes) -> None:
    session.execute(_SQL["add_value"], {"name": name, "value": value})


def _has_signing_key(session: Session) -> bool:
    return session.execute(_SQL["has_signing_key"]).fetchone() == (True,)
