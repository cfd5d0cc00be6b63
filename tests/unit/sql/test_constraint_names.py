"""Our code learns from the append functions what became of an append, not from the names of constraints."""

import re

from tests.paths import PACKAGES, ROOT
from tests.schema import SCHEMA

WHERE_ERRORS_ARE_TRANSLATED = ROOT / "infrastructure" / "postgres" / "database.py"
NAMES = set(re.findall(r"CONSTRAINT (\w+)", SCHEMA.read_text(encoding="utf-8")))


def test_the_name_of_a_constraint_stands_only_where_errors_are_translated() -> None:
    assert "an_event_id_is_recorded_once" in NAMES
    sources = [path for package in PACKAGES for path in ROOT.joinpath(package).rglob("*.py")]

    naming = {path for path in sources if NAMES & set(re.findall(r"\w+", path.read_text(encoding="utf-8")))}
    assert naming <= {WHERE_ERRORS_ARE_TRANSLATED}
