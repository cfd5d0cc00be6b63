"""What is in a dump of a database, looked for in whatever form it may have there."""

import subprocess
from base64 import b64encode

from infrastructure.embedded.programs import program_folder


def dump(dsn: str) -> bytes:
    """Return all that is in a database, as pg_dump writes it."""
    command = [str(program_folder() / "pg_dump"), "--dbname", dsn]
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout


def has(dumped: bytes, secret: bytes) -> bool:
    """Whether these bytes are in a dump: as they are, in hexadecimal or in base64."""
    return any(form in dumped for form in (secret, secret.hex().encode(), b64encode(secret)))
