"""What somebody does to single rows in the database, as its superuser, so that what is in them cannot be read."""

from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg

from application.privacy.cipher import bound
from infrastructure.keys.installation_key import InstallationKey

KEYS: Mapping[str, str] = {
    "changed": "set_byte(wrapped, 20, 255 - get_byte(wrapped, 20))",
    "cut off": "substr(wrapped, 1, length(wrapped) - 1)",
    "cut to five bytes": "substr(wrapped, 1, 5)",
    "emptied": "''",
    "another subject's": "(SELECT o.wrapped FROM ordertrail.subject_keys AS o"
    " WHERE o.tenant = %(tenant)s AND o.subject = %(other)s)",
    "another installation's": "%(foreign)s",
}
"""What a key's row is made to hold."""

LEAF_HASH: LiteralString = (
    "ordertrail.leaf_hash(tenant, position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at)"
)
LEAF_PARAMETERS: LiteralString = (
    "in_tenant text, in_position bigint, in_stream text, in_version bigint, in_event_id text, in_type text,"
    " in_data bytea, in_metadata bytea, in_occurred_at timestamptz, in_recorded_at timestamptz"
)
"""The call that hashes an event, and the parameters of the function."""

TOKENS: Mapping[str, tuple[str, str]] = {
    "changed in its text": (r"(enc:v1:[^:]+:.{30}).", r"\1-"),
    "cut off": (r'(enc:v1:[^:]+:.{20})[^"]*', r"\1"),
    "cut to its key": (r'(enc:v1:[^:]+:)[^"]*', r"\1"),
    "changed in the name of its key": (r"enc:v1:.", "enc:v1:*"),
    "no token any more": (r'enc:v1:[^"]*', "Mallory"),
    "a word that looks like one": (r'enc:v1:[^"]*', "enc:v1:Mallory"),
}
"""Patterns, and what replaces what matches them."""

EVENTS: Mapping[str, str] = {
    "data that is no JSON": "data = 'x' || data",
    "data that is cut off": "data = substr(data, 1, length(data) - 3)",
    "data that is empty": "data = ''",
    "data that is a list": "data = '[1]'",
    "data with a member too many": """data = '{"eaten": true}'""",
    "data with no number": """data = '{"status": NaN}'""",
    "data that is not in UTF-8": r"""data = '{"status": "\377"}'""",
    "data that is very deep": "data = convert_to(repeat('[', 100000), 'UTF8')",
    "metadata that are no JSON": "metadata = 'x' || metadata",
    "metadata that are a list": "metadata = '[]'",
    "an actor that is a number": """metadata = '{"actor": 7, "encryption": 1}'""",
    "a schema of tomorrow": """metadata = '{"schema_version": 9}'""",
    "a type that there is not": "type = 'order.eaten'",
}
"""What the columns of an event are made to be."""

TIMES: Mapping[str, str] = {
    name: f"{column} = '{time}'"
    for column in ("occurred_at", "recorded_at")
    for name, time in ((f"{column} infinity", "infinity"), (f"{column} before there were years", "0044-03-15 BC"))
}


async def execute(dsn: str, statement: str, **parameters: Any) -> int:
    """Execute a statement as a superuser; return how many rows it was about."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        return (await connection.execute(statement.encode(), parameters)).rowcount


async def damage_key(dsn: str, tenant: str, subject: str, how: str, *, other: str = "") -> bytes:
    """Change the row of a subject's key; return what was in it."""
    foreign = InstallationKey(b"x" * 32).wrap(b"k" * 32, bound(tenant, subject))
    which = {"tenant": tenant, "subject": subject, "other": other, "foreign": foreign}
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        query = "SELECT wrapped FROM ordertrail.subject_keys WHERE tenant = %(tenant)s AND subject = %(subject)s"
        [(wrapped,)] = await (await connection.execute(query, which)).fetchall()
    await _set_key(dsn, which, KEYS[how])
    return bytes(wrapped)


async def restore_key(dsn: str, tenant: str, subject: str, wrapped: bytes) -> None:
    """Put back what was in the row of a subject's key, as from a backup."""
    await _set_key(dsn, {"tenant": tenant, "subject": subject, "wrapped": wrapped}, "%(wrapped)s")


async def _set_key(dsn: str, which: dict[str, Any], wrapped: str) -> None:
    statement = (
        f"UPDATE ordertrail.subject_keys SET wrapped = {wrapped} WHERE tenant = %(tenant)s AND subject = %(subject)s"
    )
    assert await execute(dsn, statement, **which) == 1


TEXT = "encode({}, 'escape')"
"""A column of an event as text, which is ASCII. A cluster takes no function here that depends on settings."""


def text_change(column: str, text: str) -> str:
    """Return what gives a column of an event another text, which is made of TEXT."""
    return f"{column} = decode({text}, 'escape')"


def token_change(how: str, column: str = "data", *, nth: int = 1) -> str:
    """Return what changes a token in a column of an event: the first, or another."""
    return text_change(column, _changed(TEXT.format(column), how, nth))


def json_token_change(how: str, column: str, *, nth: int = 1) -> str:
    """Return what changes a token in a column of JSON: the first, or another."""
    return f"{column} = {_changed(f'{column}::text', how, nth)}::json"


def _changed(text: str, how: str, nth: int) -> str:
    pattern, replacement = TOKENS[how]
    return f"regexp_replace({text}, '{pattern}', '{replacement}', 1, {nth})"


async def change_event(dsn: str, tenant: str, position: int, change: str, **parameters: Any) -> None:
    statement = f"UPDATE ordertrail.events SET {change} WHERE tenant = %(tenant)s AND position = %(position)s"
    assert await execute(dsn, statement, tenant=tenant, position=position, **parameters) == 1
