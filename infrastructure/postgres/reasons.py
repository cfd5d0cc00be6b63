"""Why the database refuses a request, in our words. It is found by SQLSTATE, whatever the server's language is."""

import psycopg
from psycopg.errors import ConnectionTimeout, IdleInTransactionSessionTimeout, ReadOnlySqlTransaction

from domain.errors import Busy, Refused, Unavailable

READ_ONLY = "25006"
GIVEN_UP = "57014"
ENDING = "This process is shutting down; try again"
SILENT = "The database does not answer; try again"
NODE_LOST = "The part of the database that holds this cannot be reached"

_REFUSING_CLASSES = ("22", "28", "3D", "42")
_REFUSED = {
    "28000": "The database does not know our user, or does not let it in",
    "28P01": "The database refuses our password",
    "3D000": "The database does not exist",
    "42501": "The database does not let our user connect",
}
_REFUSED_OTHERWISE = "The database refuses what we connect with"
"""Errors that prevent a connection until somebody changes something: their classes, and our words."""

_REASONS = {
    READ_ONLY: "The database takes no writes at the moment: it is read-only",
    "25P03": "The database ended a transaction that stood still",
    "40001": "Somebody else changed the same at the same time",
    "40P01": "Somebody else locked the same at the same time",
    "53100": "The database's disk is full",
    "53200": "The database has no memory left",
    "53300": "The database has no connection left for us",
    "53400": "A limit of the database's configuration is reached",
    "55000": "The database takes no connections at the moment",
    "55P03": "Somebody else has locked what this needs, for too long",
    GIVEN_UP: "The database gave up a statement that took too long, or that it was told to give up",
    "57P01": "The database is shutting down, or ended our connection",
    "57P02": "The database is restarting after a crash",
    "57P03": "The database is starting up or shutting down",
    "57P05": "The database ended a connection that stood still",
    "58030": "The database cannot read or write its files",
}
_OTHERWISE = "The database cannot do this at the moment"

_BUSY = frozenset({"25P03", "40001", "40P01", "55P03", GIVEN_UP})
_AWAY = frozenset({"57P01", "57P02", "57P03"})
_INTERNAL = "XX000"
_NO_CODE = (_INTERNAL, "58030")
_OF_NODE = "while executing command on"
_BROKE = (
    "could not commit transaction for shard",
    "failed to COPY to shard",
    "failed to complete COPY on",
    "failure on connection marked as essential",
)
"""How Citus reports, without a code of its own, a connection to a node that broke in the middle of something."""
_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    ReadOnlySqlTransaction,
    IdleInTransactionSessionTimeout,
)


def unavailable(error: psycopg.Error, *, connecting_sqlstate: str | None = None) -> Unavailable | None:
    """Return what an error means if it will pass, or is not the statement's fault; None for all others.

    The SQLSTATE is the error's own, or the one that was found for a connection that was not made.
    """
    code = error.sqlstate or connecting_sqlstate
    words = said(error, code)
    if is_loss_of_node(error):
        return Busy(f"{NODE_LOST}; try again", said=words)
    if not isinstance(error, _PASSING):
        return None
    if connecting_sqlstate is not None and connecting_sqlstate.startswith(_REFUSING_CLASSES):
        return Refused(_REFUSED.get(connecting_sqlstate, _REFUSED_OTHERWISE), said=words)
    if code is None:
        message = SILENT if isinstance(error, ConnectionTimeout) else None
        return Unavailable(message, said=words, is_away=True)
    kind = Busy if code in _BUSY else Unavailable
    return kind(f"{_REASONS.get(code, _OTHERWISE)}; try again", said=words, is_away=code in _AWAY)


def is_loss_of_node(error: psycopg.Error) -> bool:
    """Return whether a server says that it lost another one, a node of the cluster. What it did is not known then.

    What a server says of itself ends the session, and is no mere error.
    """
    diagnosis = error.diag
    if diagnosis.severity_nonlocalized != "ERROR":
        return False
    code = error.sqlstate or ""
    if code in _NO_CODE:
        is_of_node = code == _INTERNAL and _OF_NODE in (diagnosis.context or "")
        return is_of_node or (diagnosis.message_primary or "").startswith(_BROKE)
    return code.startswith("08") or code in _AWAY


def may_be_done(error: psycopg.Error, *, on_cluster: bool) -> bool:
    """Return whether a node may have done, or may yet do, what the coordinator reports as an error."""
    return is_loss_of_node(error) or (on_cluster and error.sqlstate == GIVEN_UP)


def said(error: psycopg.Error, sqlstate: str | None = None) -> str:
    """Return PostgreSQL's own words for an error in one line: its SQLSTATE, the message, details and the hint."""
    diagnosis = error.diag
    message = diagnosis.message_primary or str(error) or type(error).__name__
    words = [sqlstate or error.sqlstate, message, diagnosis.message_detail, diagnosis.message_hint]
    return f"PostgreSQL: {' '.join(' '.join(word for word in words if word).split())}"
