"""The keys of checkpoints and of tokens: whoever has a copy of the database, and nothing else, cannot sign."""

from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest
from psycopg.errors import CheckViolation

from api.bootstrap import open_sealer, open_services, set_up_database
from api.cli.ledgers import rotate_signing_key
from api.cli.maintenance import create_tenant
from api.services import Services
from api.settings import read_settings
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import new_signing_key
from domain.values import TenantName
from infrastructure.keys.installation import NotSetUp
from infrastructure.keys.installation_key import WrongInstallationKey
from tests.builders import an_event
from tests.dumps import dump, has

ACME = TenantName("acme")
INSTALLATION, ANOTHER = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def given_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installation key is a setting, as where the database is not to hold it."""
    monkeypatch.setenv("ORDERTRAIL_INSTALLATION_KEY", b64encode(INSTALLATION).decode())


async def sealed(dsn: str, services: Services) -> Checkpoint:
    """Tell something, seal it, and return the checkpoint."""
    write = Write("order-1", ANY, (encode(an_event()),))
    await services.store.append(Append(ACME, (write,)))
    async with open_sealer(dsn) as sealer:
        await sealer.seal_all()
    return Checkpoint.verified(await services.proofs.checkpoint(ACME), await services.proofs.verifiers(ACME))


async def a_tenant(dsn: str) -> None:
    await create_tenant(dsn, ACME, is_implicit=False, dintero_account=None)


def kept(dsn: str) -> tuple[list[tuple[str, bytes]], list[tuple[bytes, bytes | None]]]:
    """Return what the installation has, and its signing keys."""
    with psycopg.connect(dsn) as connection:
        values = connection.execute('SELECT name, value FROM ordertrail.installation ORDER BY name COLLATE "C"')
        keys = connection.execute("SELECT public_key, private_key FROM ordertrail.signing_keys ORDER BY created_at")
        return values.fetchall(), keys.fetchall()


@pytest.mark.usefixtures("given_key")
async def test_a_dump_holds_neither_a_key_that_signs_nor_the_one_that_opens_it(dsn: str) -> None:
    async with open_services(dsn) as services:
        await a_tenant(dsn)
        await sealed(dsn, services)
        await rotate_signing_key(dsn)
        assert (await sealed(dsn, services)).size == 2
        keys = await services.signing_keys.signing_keys()

    dumped = dump(dsn)

    assert [has(dumped, key.public_key) for key in keys] == [True, True]
    assert [has(dumped, key.private_key or b"") for key in keys] == [False, False]
    assert not has(dumped, INSTALLATION)


def test_what_an_installation_has_is_made_once_however_often_it_is_set_up(empty_dsn: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: set_up_database(empty_dsn, read_settings()), range(4)))
    made = kept(empty_dsn)

    set_up_database(empty_dsn, read_settings())

    assert kept(empty_dsn) == made
    names = ["fingerprint key", "installation key", "installation key fingerprint", "origin", "rights", "token key"]
    assert [name for name, _ in made[0]] == names
    assert len(made[1]) == 1


@pytest.mark.usefixtures("given_key")
def test_a_secret_that_is_deleted_is_another_when_the_database_is_set_up_again(dsn: str) -> None:
    before, keys = kept(dsn)
    with psycopg.connect(dsn) as owner:
        owner.execute("DELETE FROM ordertrail.installation WHERE name = 'token key'")

    set_up_database(dsn, read_settings())

    after, same_keys = kept(dsn)
    assert [one for one, other in zip(dict(before).items(), after, strict=True) if one != other] == [before[-1]]
    assert same_keys == keys


@pytest.mark.parametrize("name", ["token key", "fingerprint key", "installation key", "installation key fingerprint"])
async def test_the_service_does_not_begin_without_a_secret_and_says_what_to_do(dsn: str, name: str) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute("DELETE FROM ordertrail.installation WHERE name = %s", [name])

    with pytest.raises(NotSetUp, match=f"holds no {name}; run ordertrail migrate as its owner"):
        async with open_services(dsn):
            pass

    assert name not in dict(kept(dsn)[0])


@pytest.mark.usefixtures("given_key")
def test_a_database_is_not_set_up_with_another_installation_key(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept(dsn)

    for key in (b64encode(ANOTHER).decode(), ""):
        monkeypatch.setenv("ORDERTRAIL_INSTALLATION_KEY", key)
        with pytest.raises(WrongInstallationKey):
            set_up_database(dsn, read_settings())

    assert kept(dsn) == before


@pytest.mark.usefixtures("given_key")
async def test_another_installation_key_signs_nothing(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_services(dsn) as services:
        await a_tenant(dsn)
        await sealed(dsn, services)
    monkeypatch.setenv("ORDERTRAIL_INSTALLATION_KEY", b64encode(ANOTHER).decode())

    with pytest.raises(WrongInstallationKey):
        async with open_sealer(dsn):
            pass


async def test_a_private_key_that_was_put_beside_another_public_one_is_refused(dsn: str) -> None:
    async with open_services(dsn) as services:
        with psycopg.connect(dsn) as superuser:
            superuser.execute("UPDATE ordertrail.signing_keys SET public_key = %s", [new_signing_key().public_key])

        with pytest.raises(WrongInstallationKey):
            await services.signing_keys.signing_keys()


def test_none_is_added_in_plain_text(dsn: str) -> None:
    insert: LiteralString = "INSERT INTO ordertrail.signing_keys (public_key, private_key) VALUES (%s, %s)"

    with psycopg.connect(dsn) as connection, pytest.raises(CheckViolation, match="is_encrypted"):
        connection.execute(insert, new_signing_key())


async def test_the_installation_key_can_be_moved_out_of_the_database(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_services(dsn) as services:
        await a_tenant(dsn)
        await sealed(dsn, services)
    with psycopg.connect(dsn) as owner:
        [(shown,)] = owner.execute(
            "SELECT encode(value, 'base64') FROM ordertrail.installation WHERE name = 'installation key'"
        ).fetchall()
        monkeypatch.setenv("ORDERTRAIL_INSTALLATION_KEY", shown)
        owner.execute("DELETE FROM ordertrail.installation WHERE name = 'installation key'")

    async with open_services(dsn) as services:
        checkpoint = await sealed(dsn, services)

    assert checkpoint.size == 2
    assert not has(dump(dsn), b64decode(shown))
