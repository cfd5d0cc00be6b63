"""The present schema as SQL: what the migrations make, for people to read. `make schema` writes it down."""

import re
import subprocess
import tempfile
from pathlib import Path

from infrastructure.embedded.programs import program_folder
from infrastructure.embedded.server import embedded_server
from infrastructure.setup.migrations import migrate
from tests.paths import ROOT

SCHEMA = ROOT / "infrastructure" / "sql" / "schema.sql"
HEAD = "-- The schema as all migrations make it. Generated: change it by a migration, then run make schema.\n"

_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict.*)\n", re.MULTILINE)


def schema_of(dsn: str) -> str:
    """Return the schema of a migrated database."""
    command = [program_folder() / "pg_dump", "--schema-only", "--schema=ordertrail", "--no-owner", "--no-privileges"]
    dumped = subprocess.run([*command, "--dbname", dsn], capture_output=True, check=True, text=True, timeout=120).stdout
    return HEAD + "\n" + re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", dumped)).strip() + "\n"


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="ot-", dir="/tmp") as folder,
        embedded_server(Path(folder, "data")) as server,
    ):
        migrate(server)
        SCHEMA.write_text(schema_of(server), encoding="utf-8")
