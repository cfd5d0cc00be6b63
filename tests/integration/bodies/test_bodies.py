"""Bodies, in PostgreSQL and in object stores: what every store of them has to do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from application.bodies.port import BodyPlace, BodyStore
from domain.errors import Unavailable
from domain.values import TenantName
from infrastructure.bodies.object_store import ObjectBodyStore
from infrastructure.bodies.postgres import PostgresBodyStore
from infrastructure.postgres.database import open_pool

ACME, OTHER = TenantName("acme"), TenantName("other")
ORDER = "order-1"
TEN_MEGABYTES = bytes(range(256)) * (10 * 2**20 // 256)


@pytest.fixture
async def in_postgres(dsn: str) -> AsyncIterator[PostgresBodyStore]:
    async with open_pool(dsn, size=2) as pool:
        yield PostgresBodyStore(pool)


@pytest.fixture
def forgotten(dsn: str) -> None:
    """Whom the bodies are about, of both tenants, is forgotten."""
    with psycopg.connect(dsn) as owner:
        for tenant in (ACME, OTHER):
            owner.execute("SELECT ordertrail.destroy_subject_key(%s, %s, 'somebody')", [tenant, ORDER])


@pytest.fixture(params=["postgres", "file", "s3"])
def bodies(request: pytest.FixtureRequest, in_postgres: PostgresBodyStore) -> BodyStore:
    """Each of the stores in turn."""
    if request.param == "postgres":
        return in_postgres
    return ObjectBodyStore(request.getfixturevalue(f"{request.param}_url"), earlier=in_postgres)


@pytest.mark.parametrize("body", [b"", b"{}", TEN_MEGABYTES], ids=["nothing", "little", "10 MB"])
async def test_what_was_put_comes_back_under_its_digest(bodies: BodyStore, body: bytes) -> None:
    ref = await bodies.put(ACME, ORDER, body)

    assert (ref.digest, ref.size) == (sha256(body).hexdigest(), len(body))
    assert await bodies.get(ACME, ref.digest) == body


async def test_putting_the_same_again_changes_nothing(bodies: BodyStore) -> None:
    first = await bodies.put(ACME, ORDER, b"a")

    assert await bodies.put(ACME, ORDER, b"a") == first
    assert await bodies.get(ACME, first.digest) == b"a"


async def test_the_same_put_many_times_at_once_is_there_once_and_whole(bodies: BodyStore) -> None:
    refs = await asyncio.gather(*[bodies.put(ACME, ORDER, TEN_MEGABYTES[: 2**20]) for _ in range(8)])

    assert len(set(refs)) == 1
    assert await bodies.get(ACME, refs[0].digest) == TEN_MEGABYTES[: 2**20]


async def test_what_was_never_put_is_not_there(bodies: BodyStore) -> None:
    assert await bodies.get(ACME, "0" * 64) is None


@pytest.mark.usefixtures("forgotten")
async def test_one_tenants_bodies_are_not_anothers(bodies: BodyStore) -> None:
    ref = await bodies.put(ACME, ORDER, b"a")
    await bodies.put(OTHER, ORDER, b"a")

    assert await bodies.get(OTHER, ref.digest) == b"a"
    await bodies.delete(OTHER, ref.digest)

    assert await bodies.get(OTHER, ref.digest) is None
    assert await bodies.get(ACME, ref.digest) == b"a"


@pytest.mark.usefixtures("forgotten")
async def test_what_was_deleted_is_gone_and_can_be_put_again(bodies: BodyStore) -> None:
    ref = await bodies.put(ACME, ORDER, b"a")

    await bodies.delete(ACME, ref.digest)
    await bodies.delete(ACME, ref.digest)

    assert await bodies.get(ACME, ref.digest) is None
    await bodies.put(ACME, ORDER, b"a")
    assert await bodies.get(ACME, ref.digest) == b"a"


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("kind", ["file", "s3"])
async def test_what_is_still_in_the_database_is_found_and_deleted_there(
    request: pytest.FixtureRequest, in_postgres: PostgresBodyStore, kind: str
) -> None:
    earlier = await in_postgres.put(ACME, ORDER, b"a")
    bodies = ObjectBodyStore(request.getfixturevalue(f"{kind}_url"), earlier=in_postgres)

    assert await bodies.get(ACME, earlier.digest) == b"a"
    await bodies.delete(ACME, earlier.digest)

    assert await in_postgres.get(ACME, earlier.digest) is None


async def test_the_place_of_a_content_is_where_it_is(
    s3_url: str, keys_in_s3: Callable[[], list[str]], in_postgres: PostgresBodyStore
) -> None:
    bodies = ObjectBodyStore(s3_url, earlier=in_postgres)

    ref = await bodies.put(ACME, ORDER, b"a")

    place = bodies.place(ACME, ref.digest)
    assert place == BodyPlace(urlsplit(s3_url).netloc, f"trail/acme/{ref.digest}")
    assert keys_in_s3() == [place.key]


async def test_the_place_of_a_file_is_its_path(file_url: str, tmp_path: Path, in_postgres: PostgresBodyStore) -> None:
    bodies = ObjectBodyStore(file_url, earlier=in_postgres)

    ref = await bodies.put(ACME, ORDER, b"a")

    place = bodies.place(ACME, ref.digest)
    assert Path("/", place.key) == tmp_path / "calls" / "acme" / ref.digest
    assert await asyncio.to_thread(Path("/", place.key).read_bytes) == b"a"


@pytest.mark.parametrize("url", ["s3://no-such-bucket", "s3://no-such-bucket/prefix"])
@pytest.mark.usefixtures("s3_url")
async def test_a_bucket_that_does_not_exist_is_unavailable(url: str, in_postgres: PostgresBodyStore) -> None:
    with pytest.raises(Unavailable, match="try again"):
        await ObjectBodyStore(url, earlier=in_postgres).put(ACME, ORDER, b"a")


async def test_a_store_that_does_not_answer_is_unavailable(
    s3_url: str, in_postgres: PostgresBodyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    bodies = ObjectBodyStore(s3_url, earlier=in_postgres)

    with pytest.raises(Unavailable, match="try again"):
        await bodies.put(ACME, ORDER, b"a")
    with pytest.raises(Unavailable, match="try again"):
        await bodies.get(ACME, "0" * 64)
    with pytest.raises(Unavailable, match="try again"):
        await bodies.delete(ACME, "0" * 64)


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path, in_postgres: PostgresBodyStore) -> None:
    bodies = ObjectBodyStore(f"{tmp_path.as_uri()}/calls", earlier=in_postgres)
    (tmp_path / "calls" / "acme").write_text("a file where a folder should be")

    with pytest.raises(Unavailable):
        await bodies.put(ACME, ORDER, b"a")


@pytest.mark.parametrize("url", ["az://account", "file:///proc/1/nothing", "nonsense://x", "gs://"])
async def test_a_url_that_names_no_store_is_told_so(url: str, in_postgres: PostgresBodyStore) -> None:
    with pytest.raises(Unavailable, match="ORDERTRAIL_BODIES_URL cannot be opened"):
        ObjectBodyStore(url, earlier=in_postgres)


async def test_what_was_put_again_since_an_instant_is_not_deleted_before_it(bodies: BodyStore, dsn: str) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute("INSERT INTO ordertrail.retention (tenant, keep) VALUES (%s, '0')", [ACME])
    ref = await bodies.put(ACME, ORDER, b"a")

    await bodies.delete(ACME, ref.digest, before=datetime.now(UTC) - timedelta(days=1))
    assert await bodies.get(ACME, ref.digest) == b"a"

    await bodies.delete(ACME, ref.digest, before=datetime.now(UTC) + timedelta(days=1))
    assert await bodies.get(ACME, ref.digest) is None


async def test_the_database_deletes_nothing_of_whom_nobody_forgot(in_postgres: PostgresBodyStore, dsn: str) -> None:
    ref = await in_postgres.put(ACME, ORDER, b"a")
    with psycopg.connect(dsn) as owner:
        owner.execute("SELECT ordertrail.destroy_subject_key(%s, 'order-2', 'somebody')", [ACME])
        owner.execute("SELECT ordertrail.destroy_subject_key(%s, %s, 'somebody')", [OTHER, ORDER])

    await in_postgres.delete(ACME, ref.digest)

    assert await in_postgres.get(ACME, ref.digest) == b"a"


@pytest.mark.parametrize("keep", [None, timedelta(days=1)])
async def test_the_database_deletes_nothing_that_has_not_expired(
    in_postgres: PostgresBodyStore, dsn: str, keep: timedelta | None
) -> None:
    ref = await in_postgres.put(ACME, ORDER, b"a")
    with psycopg.connect(dsn) as owner:
        owner.execute("INSERT INTO ordertrail.retention (tenant, keep) VALUES (%s, %s), (%s, '0')", [ACME, keep, OTHER])

    await in_postgres.delete(ACME, ref.digest, before=datetime.now(UTC) + timedelta(days=9))

    assert await in_postgres.get(ACME, ref.digest) == b"a"
