"""Files of lines, compressed or plain."""

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from api.cli.maintenance import InvalidArgument
from application.ledger_file.lines import MAX_LINE, FileDamaged
from application.transparency.note import CannotCheck

_ZSTD, _GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
_COMPRESSED_NOTHING = 64
"""The largest size in bytes of a compressed empty file, with a name and a time."""
_UTF8, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
"""The marks that editors and shells put before a text."""
_PLAIN = {".ndjson", ".json"}


@contextmanager
def lines_of(path: Path) -> Iterator[Iterator[bytes]]:
    """Yield the lines of a file without a byte-order mark. The file may be compressed by Zstandard or gzip, or be
    plain.

    The lines raise FileDamaged if the file cannot be decompressed, CannotCheck if it was cut off or is no text in
    UTF-8.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        beginning = file.peek(len(_ZSTD))
        if beginning.startswith(_ZSTD):
            with ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
                yield _without_mark(_decompressed(io.BufferedReader(reader), size))
        elif beginning.startswith(_GZIP):
            with gzip.open(file) as unzipped:
                yield _without_mark(_decompressed(unzipped, size))
        else:
            yield _without_mark(iter(lambda: file.readline(MAX_LINE), b""))


def _without_mark(lines: Iterator[bytes]) -> Iterator[bytes]:
    first = next(lines, b"")
    if first.startswith(_UTF16):
        raise CannotCheck("it is in UTF-16: another program saved it, for Ordertrail writes UTF-8")
    if first := first.removeprefix(_UTF8):
        yield first
    yield from lines


def _decompressed(stream: io.BufferedReader | gzip.GzipFile, size: int) -> Iterator[bytes]:
    """Yield the lines of a compressed file; size is its compressed size in bytes."""
    try:
        while line := stream.readline(MAX_LINE):
            yield line
            size = 0
    except EOFError as exc:
        raise CannotCheck("it was cut off: its compressed data has no end") from exc
    except (ZstdError, gzip.BadGzipFile, zlib.error) as exc:
        raise FileDamaged(f"it cannot be decompressed: {exc}") from exc
    if size > _COMPRESSED_NOTHING:
        raise CannotCheck("it was cut off: its compressed data has no end")


@contextmanager
def new_file(path: Path, *, plain: bool, check: Callable[[Path], None]) -> Iterator[BinaryIO]:
    """Yield a file to write to. It gets its name once it was checked, and is deleted if anything goes wrong.

    It is compressed unless plain or its name says otherwise. Raises InvalidArgument.
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
