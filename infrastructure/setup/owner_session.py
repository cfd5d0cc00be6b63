"""The session in which a database is set up: with the rights of the DSN's user, on a server that we support."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.errors import InsufficientPrivilege

from domain.errors import Misconfigured, OrdertrailError, Unavailable
from infrastructure.postgres.reasons import unavailable
from infrastructure.postgres.refusals import sqlstate_of_refusal
from infrastructure.postgres.session import MissingRight, connecting, described_dsn, set_up
from infrastructure.postgres.statements import statements

Session = psycopg.Connection[tuple[Any, ...]]

OLDEST_SERVER = 150_000
CONNECT_SECONDS = 10

_SQL = statements("session")


class ServerTooOld(Misconfigured):
    """The PostgreSQL server is older than 15, the oldest release Ordertrail runs on."""


class WrongEncoding(Misconfigured):
    """The database's encoding is not UTF-8, which events are written in."""


class UnsafeServer(Misconfigured):
    """The server may lose what it has confirmed."""


class SetupFailed(OrdertrailError):
    """The database could not be set up."""


@contextmanager
def owner_session(dsn: str) -> Iterator[Session]:
    """Open a session on a server that we support, and raise the driver's errors as ours.

    Raises Unavailable, Refused, InvalidDsn, ServerTooOld, WrongEncoding, MissingRight, SetupFailed.
    """
    try:
        with _connected(dsn) as session:
            _check_version(session.info.server_version)
            _check_encoding(session.info.parameter_status("server_encoding") or "")
            set_up(session)
            yield session
    except _NotConnected as exc:
        raise _unusable(dsn, exc.error, exc.sqlstate) from exc.error
    except InsufficientPrivilege as exc:
        raise MissingRight(f"PostgreSQL refuses to work on {described_dsn(dsn)}: {with_hint(exc)}") from exc
    except psycopg.Error as exc:
        if unavailable(exc):
            raise _unusable(dsn, exc) from exc
        raise SetupFailed(f"PostgreSQL refuses to work on {described_dsn(dsn)}: {with_hint(exc)}") from exc


class _NotConnected(Exception):
    def __init__(self, error: psycopg.OperationalError, sqlstate: str | None) -> None:
        self.error, self.sqlstate = error, sqlstate


def _connected(dsn: str) -> Session:
    how = connecting(dsn, as_owner=True, seconds=CONNECT_SECONDS)
    try:
        return psycopg.connect(**how)
    except psycopg.OperationalError as exc:
        raise _NotConnected(exc, sqlstate_of_refusal(exc, how["conninfo"], seconds=CONNECT_SECONDS)) from exc


def _unusable(dsn: str, error: psycopg.Error, sqlstate: str | None = None) -> Unavailable:
    """Return what an error means for a user of the database: which database it is, and what PostgreSQL says."""
    meaning = unavailable(error, connecting_sqlstate=sqlstate) or Unavailable()
    what = f"Cannot use {described_dsn(dsn)}: {first_line(error)}"
    return type(meaning)(what, said=meaning.said, is_away=meaning.is_away)


def refuse_unsafe_server(session: Session) -> None:
    """Raise UnsafeServer if the server may lose confirmed data, whatever a commit asks for."""
    if off := unsafe_settings(session):
        raise UnsafeServer(
            f"The server runs with {' and '.join(off)}, so a crash of its machine may lose or damage what was "
            "confirmed. Turn it on, or accept that with ORDERTRAIL_ALLOW_UNSAFE_SERVER=true"
        )


def unsafe_settings(session: Session) -> list[str]:
    """Return the settings with which the server may lose confirmed data, such as fsync = off."""
    return [f"{name} = off" for name, value in session.execute(_SQL["safety"]) if value != "on"]


def first_line(error: psycopg.Error) -> str:
    """Return PostgreSQL's message for an error, in one line."""
    return (error.diag.message_primary or str(error) or type(error).__name__).strip().split("\n")[0]


def with_hint(error: psycopg.Error) -> str:
    """Return PostgreSQL's message and hint for an error, in one line."""
    hint = " ".join((error.diag.message_hint or "").split())
    return f"{first_line(error)}. {hint}" if hint else first_line(error)


def _check_encoding(encoding: str) -> None:
    if encoding != "UTF8":
        raise WrongEncoding(f"The database's encoding is {encoding}; make one with CREATE DATABASE … ENCODING 'UTF8'")


def _check_version(version: int) -> None:
    if version < OLDEST_SERVER:
        raise ServerTooOld(
            f"The server runs PostgreSQL {version // 10_000}; Ordertrail needs {OLDEST_SERVER // 10_000} or later"
        )
