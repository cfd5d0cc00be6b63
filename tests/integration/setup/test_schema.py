"""The schema that is written down for people is the one that the migrations make."""

import pytest

from infrastructure.setup.migrations import migrate
from tests.schema import SCHEMA, schema_of


@pytest.mark.one_server("a dump of a cluster has what Citus adds")
def test_the_schema_that_is_written_down_is_the_present_one(empty_dsn: str) -> None:
    migrate(empty_dsn)

    assert SCHEMA.read_text(encoding="utf-8") == schema_of(empty_dsn), "run make schema"
