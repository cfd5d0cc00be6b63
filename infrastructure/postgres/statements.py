"""Named SQL statements from the .sql files beside this module."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(file: str) -> Mapping[str, bytes]:
    """Return the statements of infrastructure/sql/<file>.sql by the name in the comment before each."""
    text = files("infrastructure").joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return MappingProxyType({name: sql.strip().encode() for name, sql in zip(parts[::2], parts[1::2], strict=True)})
