"""The runtime role and its rights: checks that they are those of sql/rights.sql and of the views, and sets them."""

from hashlib import sha256
from typing import NamedTuple

from domain.errors import Misconfigured
from infrastructure.postgres.session import RUNTIME_ROLE, MissingRight
from infrastructure.postgres.statements import statements
from infrastructure.setup.owner_session import Session
from infrastructure.setup.view_rights import view_rights

_SQL = statements("rights")
_GRANT = b"\n".join([_SQL["grant"], *view_rights()])


class RoleMayTooMuch(Misconfigured):
    """The runtime role was given more elsewhere than it is to have."""


class Right(NamedTuple):
    """What a holder may do with a table, a column (table.column), a function (function()) or the schema."""

    what: str
    privilege: str
    is_grantable: bool
    grantee: str


class RightsChange(NamedTuple):
    """How many rights the role lacked, and how many it had too many."""

    missing: int
    excess: int


def make_role(session: Session) -> None:
    """Create the runtime role and let the DSN's user become it, where that is missing. Raises InsufficientPrivilege."""
    session.execute(_SQL["create_role"])
    session.execute(_SQL["become_member"])


def are_set(session: Session) -> bool:
    """Return whether the rights are still as this release has set them. Raises RoleMayTooMuch."""
    _check_role(session)
    stamped = session.execute(_SQL["stamped"]).fetchone()
    return stamped == (_stamp(granted(session)),)


def set_anew(session: Session) -> RightsChange:
    """Revoke all rights, and grant those of sql/rights.sql and of the views, in one transaction.

    Raises RoleMayTooMuch, MissingRight.
    """
    _check_role(session)
    with session.transaction():
        before = granted(session)
        session.execute(_SQL["revoke_all"])
        _check_that_none_is_left(granted(session))
        session.execute(_GRANT)
        after = granted(session)
        session.execute(_SQL["stamp"], {"stamp": _stamp(after)})
    return RightsChange(missing=len(after - before), excess=len(before - after))


def granted(session: Session) -> frozenset[Right]:
    """Return the rights of the runtime role and of everybody on our schema."""
    return frozenset(Right(*row) for row in session.execute(_SQL["granted"]))


def _check_that_none_is_left(left: frozenset[Right]) -> None:
    if left:
        what, privilege, _, grantee = min(left)
        raise MissingRight(
            f"In the schema ordertrail {grantee} has {privilege} on {what}, which the schema's owner did not grant and "
            "cannot take away; revoke it as a superuser, and migrate again"
        )


def _stamp(rights: frozenset[Right]) -> bytes:
    told = "\n".join(map(str, sorted(rights)))
    return sha256(b"\n".join([_SQL["revoke_all"], _GRANT, told.encode()])).digest()


def _check_role(session: Session) -> None:
    [(too_much,)] = session.execute(_SQL["too_much"]).fetchall()
    if too_much:
        raise RoleMayTooMuch(
            f"The role {RUNTIME_ROLE}, which the service runs as, {too_much}; take that away from it as a superuser, "
            "with ALTER ROLE or REVOKE"
        )
