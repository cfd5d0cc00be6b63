"""Files of lines, compressed by Zstandard or plain."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from api.maintenance import InvalidArgument
from application.ledger_file.lines import MAX_LINE, FileDamaged

_MAGIC = b"\x28\xb5\x2f\xfd"
_PLAIN = {".ndjson", ".json"}


@contextmanager
def lines_of(path: Path) -> Iterator[Iterator[bytes]]:
    """Yield the lines of a file, whichever it is. They raise FileDamaged if it cannot be decompressed."""
    with path.open("rb") as file:
        if file.peek(len(_MAGIC))[: len(_MAGIC)] != _MAGIC:
            yield iter(lambda: file.readline(MAX_LINE), b"")
        else:
            with ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
                yield _decompressed(io.BufferedReader(reader))


def _decompressed(stream: io.BufferedReader) -> Iterator[bytes]:
    try:
        while line := stream.readline(MAX_LINE):
            yield line
    except ZstdError as exc:
        raise FileDamaged(f"it cannot be decompressed: {exc}") from exc


@contextmanager
def new_file(path: Path, *, plain: bool, check: Callable[[Path], None]) -> Iterator[BinaryIO]:
    """Yield a file to write to; once it is checked it gets its name, and if anything goes wrong it is deleted.

    It is plain if so told or named; by default it is compressed. Raises InvalidArgument.
    """
    if path.exists():
        raise InvalidArgument(f"There is a file {path} already")
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            if plain or path.suffix in _PLAIN:
                yield file
            else:
                with ZstdCompressor(write_checksum=True).stream_writer(file, closefd=False) as writer:
                    yield writer
            file.flush()
            os.fsync(file.fileno())
        check(unfinished)
        unfinished.rename(path)
    except OSError as exc:
        raise InvalidArgument(f"Cannot write {path}: {exc.strerror}") from exc
    finally:
        unfinished.unlink(missing_ok=True)
