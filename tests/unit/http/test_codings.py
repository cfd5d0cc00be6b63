"""What is compressed is decoded within bounds: a bomb is refused before it is large."""

import gzip
import tracemalloc
from collections.abc import Callable

import pytest
from zstandard import ZstdCompressor

from api.http.problems import UnsupportedCoding
from api.http.reading.codings import Undecodable, coding_of, decoded

Compress = Callable[[bytes], bytes]
COMPRESS: dict[str, Compress] = {"gzip": gzip.compress, "zstd": ZstdCompressor().compress}
BODY = b'{"text": "zipped"}' * 10_000
LIMIT = 2**20

of_each = pytest.mark.parametrize(("coding", "compress"), COMPRESS.items(), ids=COMPRESS)


@of_each
def test_what_was_compressed_is_decoded(coding: str, compress: Compress) -> None:
    assert decoded(compress(BODY), coding, limit=len(BODY)) == BODY


@of_each
def test_parts_that_are_compressed_each_for_itself_are_one_body(coding: str, compress: Compress) -> None:
    assert decoded(compress(BODY) + compress(b"") + compress(b"end"), coding, limit=LIMIT) == BODY + b"end"


@of_each
def test_what_is_one_byte_too_long_is_none(coding: str, compress: Compress) -> None:
    assert decoded(compress(BODY), coding, limit=len(BODY) - 1) is None


@of_each
def test_a_bomb_is_found_before_it_is_large(coding: str, compress: Compress) -> None:
    bomb = compress(b"\0" * 2**28)

    tracemalloc.start()
    try:
        assert decoded(bomb, coding, limit=LIMIT) is None
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@of_each
@pytest.mark.parametrize(
    "break_", [lambda body: body[:-3], lambda body: body[:8], lambda body: body + b"x", lambda body: b"{}"]
)
def test_what_is_not_whole_is_refused(coding: str, compress: Compress, break_: Compress) -> None:
    with pytest.raises(Undecodable, match=f"is not {coding}"):
        decoded(break_(compress(BODY)), coding, limit=LIMIT)


@of_each
def test_very_many_parts_are_refused(coding: str, compress: Compress) -> None:
    with pytest.raises(Undecodable):
        decoded(compress(b"") * 10_000, coding, limit=LIMIT)


@pytest.mark.parametrize(
    ("lines", "coding"),
    [
        ([], None),
        ([""], None),
        (["identity"], None),
        (["GZIP"], "gzip"),
        (["x-gzip"], "gzip"),
        (["identity", "zstd"], "zstd"),
    ],
)
def test_a_coding_is_known_by_its_names(lines: list[str], coding: str | None) -> None:
    assert coding_of(lines) == coding


@pytest.mark.parametrize("lines", [["br"], ["deflate"], ["gzip, gzip"], ["gzip", "zstd"], ["*"]])
def test_other_codings_are_refused(lines: list[str]) -> None:
    with pytest.raises(UnsupportedCoding) as refused:
        coding_of(lines)

    assert refused.value.accepted == ("gzip", "zstd")
