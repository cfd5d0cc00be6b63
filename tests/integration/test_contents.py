"""Contents, in PostgreSQL and in object stores: what every store of them has to do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from application.bodies.port import ContentStore, Place
from domain.errors import Unavailable
from domain.values import TenantName
from infrastructure.bodies.object_store import ObjectContentStore
from infrastructure.bodies.postgres import PostgresContentStore
from infrastructure.postgres.database import open_pool

ACME, OTHER = TenantName("acme"), TenantName("other")
ORDER = "order-1"
TEN_MEGABYTES = bytes(range(256)) * (10 * 2**20 // 256)


@pytest.fixture
async def in_postgres(dsn: str) -> AsyncIterator[PostgresContentStore]:
    async with open_pool(dsn, size=2) as pool:
        yield PostgresContentStore(pool)


@pytest.fixture
def forgotten(dsn: str) -> None:
    """Whom the contents are about, of both tenants, is forgotten."""
    with psycopg.connect(dsn) as owner:
        for tenant in (ACME, OTHER):
            owner.execute("SELECT ordertrail.destroy_subject_key(%s, %s, 'somebody')", [tenant, ORDER])


@pytest.fixture(params=["postgres", "file", "s3"])
def contents(request: pytest.FixtureRequest, in_postgres: PostgresContentStore) -> ContentStore:
    """Each of the stores in turn."""
    if request.param == "postgres":
        return in_postgres
    return ObjectContentStore(request.getfixturevalue(f"{request.param}_url"), earlier=in_postgres)


@pytest.mark.parametrize("body", [b"", b"{}", TEN_MEGABYTES], ids=["nothing", "little", "10 MB"])
async def test_what_was_put_comes_back_under_its_digest(contents: ContentStore, body: bytes) -> None:
    ref = await contents.put(ACME, ORDER, body)

    assert (ref.digest, ref.size) == (sha256(body).hexdigest(), len(body))
    assert await contents.get(ACME, ref.digest) == body


async def test_putting_the_same_again_changes_nothing(contents: ContentStore) -> None:
    first = await contents.put(ACME, ORDER, b"a")

    assert await contents.put(ACME, ORDER, b"a") == first
    assert await contents.get(ACME, first.digest) == b"a"


async def test_the_same_put_many_times_at_once_is_there_once_and_whole(contents: ContentStore) -> None:
    refs = await asyncio.gather(*[contents.put(ACME, ORDER, TEN_MEGABYTES[: 2**20]) for _ in range(8)])

    assert len(set(refs)) == 1
    assert await contents.get(ACME, refs[0].digest) == TEN_MEGABYTES[: 2**20]


async def test_what_was_never_put_is_not_there(contents: ContentStore) -> None:
    assert await contents.get(ACME, "0" * 64) is None


@pytest.mark.usefixtures("forgotten")
async def test_one_tenants_contents_are_not_anothers(contents: ContentStore) -> None:
    ref = await contents.put(ACME, ORDER, b"a")
    await contents.put(OTHER, ORDER, b"a")

    assert await contents.get(OTHER, ref.digest) == b"a"
    await contents.delete(OTHER, ref.digest)

    assert await contents.get(OTHER, ref.digest) is None
    assert await contents.get(ACME, ref.digest) == b"a"


@pytest.mark.usefixtures("forgotten")
async def test_what_was_deleted_is_gone_and_can_be_put_again(contents: ContentStore) -> None:
    ref = await contents.put(ACME, ORDER, b"a")

    await contents.delete(ACME, ref.digest)
    await contents.delete(ACME, ref.digest)

    assert await contents.get(ACME, ref.digest) is None
    await contents.put(ACME, ORDER, b"a")
    assert await contents.get(ACME, ref.digest) == b"a"


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("kind", ["file", "s3"])
async def test_what_is_still_in_the_database_is_found_and_deleted_there(
    request: pytest.FixtureRequest, in_postgres: PostgresContentStore, kind: str
) -> None:
    earlier = await in_postgres.put(ACME, ORDER, b"a")
    contents = ObjectContentStore(request.getfixturevalue(f"{kind}_url"), earlier=in_postgres)

    assert await contents.get(ACME, earlier.digest) == b"a"
    await contents.delete(ACME, earlier.digest)

    assert await in_postgres.get(ACME, earlier.digest) is None


async def test_the_place_of_a_content_is_where_it_is(
    s3_url: str, keys_in_s3: Callable[[], list[str]], in_postgres: PostgresContentStore
) -> None:
    contents = ObjectContentStore(s3_url, earlier=in_postgres)

    ref = await contents.put(ACME, ORDER, b"a")

    place = contents.place(ACME, ref.digest)
    assert place == Place(urlsplit(s3_url).netloc, f"trail/acme/{ref.digest}")
    assert keys_in_s3() == [place.key]


async def test_the_place_of_a_file_is_its_path(
    file_url: str, tmp_path: Path, in_postgres: PostgresContentStore
) -> None:
    contents = ObjectContentStore(file_url, earlier=in_postgres)

    ref = await contents.put(ACME, ORDER, b"a")

    place = contents.place(ACME, ref.digest)
    assert Path("/", place.key) == tmp_path / "calls" / "acme" / ref.digest
    assert await asyncio.to_thread(Path("/", place.key).read_bytes) == b"a"


@pytest.mark.parametrize("url", ["s3://no-such-bucket", "s3://no-such-bucket/prefix"])
@pytest.mark.usefixtures("s3_url")
async def test_a_bucket_that_does_not_exist_is_unavailable(url: str, in_postgres: PostgresContentStore) -> None:
    with pytest.raises(Unavailable, match="try again"):
        await ObjectContentStore(url, earlier=in_postgres).put(ACME, ORDER, b"a")


async def test_a_store_that_does_not_answer_is_unavailable(
    s3_url: str, in_postgres: PostgresContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    contents = ObjectContentStore(s3_url, earlier=in_postgres)

    with pytest.raises(Unavailable, match="try again"):
        await contents.put(ACME, ORDER, b"a")
    with pytest.raises(Unavailable, match="try again"):
        await contents.get(ACME, "0" * 64)
    with pytest.raises(Unavailable, match="try again"):
        await contents.delete(ACME, "0" * 64)


async def test_a_folder_that_cannot_be_written_is_unavailable(
    tmp_path: Path, in_postgres: PostgresContentStore
) -> None:
    contents = ObjectContentStore(f"{tmp_path.as_uri()}/calls", earlier=in_postgres)
    (tmp_path / "calls" / "acme").write_text("a file where a folder should be")

    with pytest.raises(Unavailable):
        await contents.put(ACME, ORDER, b"a")


@pytest.mark.parametrize("url", ["az://account", "file:///proc/1/nothing", "nonsense://x", "gs://"])
async def test_a_url_that_names_no_store_is_told_so(url: str, in_postgres: PostgresContentStore) -> None:
    with pytest.raises(Unavailable, match="ORDERTRAIL_CONTENTS_URL cannot be opened"):
        ObjectContentStore(url, earlier=in_postgres)


async def test_what_was_put_again_since_an_instant_is_not_deleted_before_it(contents: ContentStore, dsn: str) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute("INSERT INTO ordertrail.retention (tenant, keep) VALUES (%s, '0')", [ACME])
    ref = await contents.put(ACME, ORDER, b"a")

    await contents.delete(ACME, ref.digest, before=datetime.now(UTC) - timedelta(days=1))
    assert await contents.get(ACME, ref.digest) == b"a"

    await contents.delete(ACME, ref.digest, before=datetime.now(UTC) + timedelta(days=1))
    assert await contents.get(ACME, ref.digest) is None


async def test_the_database_deletes_nothing_of_whom_nobody_forgot(in_postgres: PostgresContentStore, dsn: str) -> None:
    ref = await in_postgres.put(ACME, ORDER, b"a")
    with psycopg.connect(dsn) as owner:
        owner.execute("SELECT ordertrail.destroy_subject_key(%s, 'order-2', 'somebody')", [ACME])
        owner.execute("SELECT ordertrail.destroy_subject_key(%s, %s, 'somebody')", [OTHER, ORDER])

    await in_postgres.delete(ACME, ref.digest)

    assert await in_postgres.get(ACME, ref.digest) == b"a"


@pytest.mark.parametrize("keep", [None, timedelta(days=1)])
async def test_the_database_deletes_nothing_that_has_not_expired(
    in_postgres: PostgresContentStore, dsn: str, keep: timedelta | None
) -> None:
    ref = await in_postgres.put(ACME, ORDER, b"a")
    with psycopg.connect(dsn) as owner:
        owner.execute("INSERT INTO ordertrail.retention (tenant, keep) VALUES (%s, %s), (%s, '0')", [ACME, keep, OTHER])

    await in_postgres.delete(ACME, ref.digest, before=datetime.now(UTC) + timedelta(days=9))

    assert await in_postgres.get(ACME, ref.digest) == b"a"
