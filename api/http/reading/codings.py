"""Content codings of requests' bodies: which are accepted, and how they are decoded within bounds."""

import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from zstandard import ZstdDecompressor, ZstdError

from api.http.problems import UnsupportedCoding

_MAX_FRAMES = 100
"""How many parts that are compressed each for itself may follow one another: to begin one takes time."""
_MAX_WINDOW = 8 * 2**20
"""How far back zstd may refer in a content coding (RFC 9659)."""
_GZIP = 16 + zlib.MAX_WBITS


class Undecodable(ValueError):
    """The body is not compressed as its Content-Encoding says."""

    def __init__(self, coding: str) -> None:
        super().__init__(f"is not {coding}, as its Content-Encoding says, or was cut off")


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class _Coding(NamedTuple):
    """A decoder, and the number of bytes it gets at a time, so that it makes at most 4 MiB of them."""

    decoder: Callable[[], _Decoder]
    at_once: int


_CODINGS: dict[str, _Coding] = {
    "gzip": _Coding(lambda: zlib.decompressobj(_GZIP), 4 * 1024),  # each byte stands for 1,032 at most
    "zstd": _Coding(lambda: ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj(), 128),  # four for 128 KiB
}
_OTHER_NAMES = {"x-gzip": "gzip"}  # RFC 9110, 8.4.1.3


def coding_of(lines: Sequence[str]) -> str | None:
    """Return the coding in a body's Content-Encoding; None if it is plain. Raises UnsupportedCoding."""
    named = [name.strip().lower() for line in lines for name in line.split(",")]
    codings = [_OTHER_NAMES.get(name, name) for name in named if name not in {"", "identity"}]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in _CODINGS:
        raise UnsupportedCoding(", ".join(codings)[:255], tuple(_CODINGS))
    return codings[0]


def decoded(body: bytes, coding: str, *, limit: int) -> bytes | None:
    """Return the decoded body; None if it is longer than the limit, before much more is decoded. Raises Undecodable."""
    pieces, size = [], 0
    try:
        for piece in _pieces(body, _CODINGS[coding]):
            size += len(piece)
            if size > limit:
                return None
            pieces.append(piece)
    except (zlib.error, ZstdError, EOFError) as exc:
        raise Undecodable(coding) from exc
    return b"".join(pieces)


def _pieces(body: bytes, coding: _Coding) -> Iterator[bytes]:
    place = frames = 0
    while place < len(body):
        frames += 1
        decoder = coding.decoder()
        while not decoder.eof:
            if place >= len(body) or frames > _MAX_FRAMES:
                raise EOFError
            data = body[place : place + coding.at_once]
            place += len(data)
            yield decoder.decompress(data)
        place -= len(decoder.unused_data)


async def decoded_pieces(chunks: AsyncIterator[bytes], coding: str | None) -> AsyncIterator[bytes]:
    """Yield what was compressed in pieces of 4 MiB at most, as it comes. Raises Undecodable."""
    if coding is None:
        async for chunk in chunks:
            yield chunk
        return
    make, at_once = _CODINGS[coding]
    decoder: _Decoder | None = None
    try:
        async for chunk in chunks:
            place = 0
            while place < len(chunk):
                decoder = decoder or make()
                data = chunk[place : place + at_once]
                place += len(data)
                yield decoder.decompress(data)
                if decoder.eof:
                    place -= len(decoder.unused_data)
                    decoder = None
    except (zlib.error, ZstdError, EOFError) as exc:
        raise Undecodable(coding) from exc
    if decoder is not None:
        raise Undecodable(coding)
