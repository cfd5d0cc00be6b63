"""What is kept beside backups: whose data was erased, and the newest checkpoint of each ledger."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import to_json

from application.privacy.erasures import Erased, erased_of
from application.transparency.note import CannotCheck

ERASURES = "erasures.ndjson"
CHECKPOINTS = "checkpoints"


def read_erasures(path: Path) -> list[Erased]:
    """Return the erasures in a file, one a line; none if there is no file. Raises CannotCheck."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return [erased_of(json.loads(line)) for line in lines if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, ValidationError) as exc:
        raise CannotCheck(f"{path} is no list of erasures: {str(exc).splitlines()[0]}") from exc


def merged(*lists: Iterable[Erased]) -> list[Erased]:
    """Return the erasures of several lists, each subject once, with its first time."""
    found: dict[tuple[str, str], Erased] = {}
    for erased in sorted((each for one in lists for each in one), key=lambda each: each.at):
        found.setdefault((erased.tenant, erased.subject), erased)
    return list(found.values())


def write_erasures(path: Path, erasures: Sequence[Erased]) -> None:
    """Replace a list of erasures, at once."""
    _replace(path, b"".join(to_json(erased._asdict()) + b"\n" for erased in erasures))


def keep_checkpoint(folder: Path, tenant: str, note: str) -> None:
    """Keep a ledger's checkpoint, unless a later one is kept."""
    path = folder / tenant
    folder.mkdir(exist_ok=True)
    if not path.exists() or size_of(path.read_text(encoding="utf-8")) <= size_of(note):
        _replace(path, note.encode())


def kept_checkpoints(folder: Path) -> dict[str, str]:
    """Return the kept checkpoints by tenant."""
    paths = [path for path in sorted(folder.glob("*")) if not path.name.endswith(".new")]
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def tenant_of(note: str) -> str:
    """Return whose ledger a checkpoint is of. Raises CannotCheck."""
    size_of(note)
    return note.splitlines()[0].rpartition("/")[2]


def size_of(note: str) -> int:
    """Return how many events a checkpoint is of. Raises CannotCheck."""
    lines = note.splitlines()
    if len(lines) < 3 or not lines[1].isdecimal():
        raise CannotCheck("the checkpoint that you hold is none")
    return int(lines[1])


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    new.replace(path)
