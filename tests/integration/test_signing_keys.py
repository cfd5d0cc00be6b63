"""The keys of checkpoints and of tokens: whoever has a copy of the database, and nothing else, cannot sign."""

from base64 import b64decode, b64encode
from contextlib import nullcontext
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg.errors import CheckViolation
from yoyo import read_migrations
from yoyo.migrations import MigrationList

from api.bootstrap import Services, open_sealer, open_services
from application.codec import encode
from application.ledger import ANY, Append, Write
from application.tokens import Claims
from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import SigningKey, identity, new_signing_key
from domain.values import TenantName
from infrastructure import migrations
from infrastructure.installation_key import InstallationKey, WrongInstallationKey
from infrastructure.migrations import migrate
from infrastructure.session import runtime_dsn
from infrastructure.tokens import JwtSigner
from tests.builders import an_event
from tests.dumps import dump, has

ACME = TenantName("acme")
INSTALLATION, ANOTHER = bytes(range(32)), bytes(range(1, 33))
BEFORE = 14
"""How many migrations there were when private keys were kept in plain text."""


@pytest.fixture
def given_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installation key is a setting, as where the database is not to hold it."""
    monkeypatch.setenv("ORDERTRAIL_INSTALLATION_KEY", b64encode(INSTALLATION).decode())


@pytest.fixture
def old_dsn(empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database as an earlier release has left it."""
    folder = Path(migrations.__file__).parent / "sql" / "migrations"
    for file in sorted(folder.glob("*.sql")):
        if int(file.name[:4]) <= BEFORE:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    old = MigrationList(read_migrations(str(tmp_path)))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_migrations", lambda: nullcontext(old))
        migrate(empty_dsn)
    return empty_dsn


async def sealed(dsn: str, services: Services) -> Checkpoint:
    """Tell something, seal it, and return the checkpoint."""
    write = Write("order-1", ANY, (encode(an_event()),))
    await services.store.append(Append(ACME, (write,)))
    async with open_sealer(dsn) as sealer:
        await sealer.seal_all()
    return Checkpoint.verified(await services.proofs.checkpoint(ACME), await services.proofs.verifiers(ACME))


async def a_tenant(services: Services) -> None:
    await services.credentials.create_tenant(ACME, is_implicit=False, dintero_account=None)


def kept(dsn: str) -> list[tuple[bytes, bytes | None]]:
    """Return the keys as they are in the table, the oldest first."""
    query: LiteralString = "SELECT public_key, private_key FROM ordertrail.signing_keys ORDER BY created_at"
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.usefixtures("given_key")
async def test_a_dump_holds_neither_a_key_that_signs_nor_the_one_that_opens_it(dsn: str) -> None:
    async with open_services(dsn) as services:
        await a_tenant(services)
        await sealed(dsn, services)
        await services.signing_keys.add_signing_key(new_signing_key())
        assert (await sealed(dsn, services)).size == 2
        keys = await services.signing_keys.signing_keys()

    dumped = dump(dsn)

    assert [has(dumped, key.public_key) for key in keys] == [True, True]
    assert [has(dumped, key.private_key or b"") for key in keys] == [False, False]
    assert not has(dumped, INSTALLATION)


@pytest.mark.usefixtures("given_key")
async def test_secrets_of_an_earlier_release_stay_what_they_were_and_are_in_no_dump(old_dsn: str) -> None:
    told = {name: new_signing_key().public_key for name in ("token key", "fingerprint key")}
    with psycopg.connect(old_dsn) as connection:
        for secret in told.items():
            connection.execute("INSERT INTO ordertrail.installation (name, value) VALUES (%s, %s)", secret)
    migrate(old_dsn)
    claims = Claims("a-key", ("admin",), 4_000_000_000, None, "a secret")
    token = JwtSigner(told["token key"]).sign(claims)
    assert all(has(dump(old_dsn), secret) for secret in told.values())

    for _ in range(2):
        async with open_services(old_dsn) as services:
            installation = InstallationKey(INSTALLATION)
            found = {name: await services.credentials.installation_secret(name, installation) for name in told}

    assert found == told
    assert JwtSigner(found["token key"]).read(token) == claims
    assert not any(has(dump(old_dsn), secret) for secret in told.values())


@pytest.mark.usefixtures("given_key")
async def test_a_secret_that_is_deleted_is_another_from_then_on(dsn: str) -> None:
    installation = InstallationKey(INSTALLATION)
    async with open_services(dsn) as services:
        secrets = [await services.credentials.installation_secret("token key", installation) for _ in range(2)]
        with psycopg.connect(dsn) as owner:
            owner.execute("DELETE FROM ordertrail.installation WHERE name = 'token key'")
        secrets += [await services.credentials.installation_secret("token key", installation) for _ in range(2)]

    assert secrets[0] == secrets[1] != secrets[2] == secrets[3]
    assert not any(has(dump(dsn), secret) for secret in secrets)


@pytest.mark.usefixtures("given_key")
async def test_another_installation_key_signs_nothing(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_services(dsn) as services:
        await a_tenant(services)
        await sealed(dsn, services)
    monkeypatch.setenv("ORDERTRAIL_INSTALLATION_KEY", b64encode(ANOTHER).decode())

    with pytest.raises(WrongInstallationKey):
        async with open_sealer(dsn):
            pass


async def test_a_private_key_that_was_put_beside_another_public_one_is_refused(dsn: str) -> None:
    async with open_services(dsn) as services:
        await services.signing_keys.add_signing_key(new_signing_key())
        with psycopg.connect(dsn) as superuser:
            superuser.execute("UPDATE ordertrail.signing_keys SET public_key = %s", [new_signing_key().public_key])

        with pytest.raises(WrongInstallationKey):
            await services.signing_keys.signing_keys()


def test_none_is_added_in_plain_text(dsn: str) -> None:
    insert: LiteralString = "INSERT INTO ordertrail.signing_keys (public_key, private_key) VALUES (%s, %s)"

    with psycopg.connect(runtime_dsn(dsn)) as connection, pytest.raises(CheckViolation, match="is_encrypted"):
        connection.execute(insert, new_signing_key())


@pytest.mark.usefixtures("given_key")
async def test_keys_of_an_earlier_release_are_encrypted_and_go_on_to_sign(old_dsn: str) -> None:
    retired, plain = SigningKey(new_signing_key().public_key, None), new_signing_key()
    insert: LiteralString = (
        "INSERT INTO ordertrail.signing_keys (public_key, private_key, retired_at) VALUES (%s, %s, %s)"
    )
    with psycopg.connect(old_dsn) as connection:
        connection.execute(insert, [*retired, "2026-01-01"])
        connection.execute(insert, [*plain, None])
    assert has(dump(old_dsn), plain.private_key or b"")
    assert migrate(old_dsn)

    async with open_services(old_dsn) as services:
        await a_tenant(services)
        found = await services.signing_keys.signing_keys()
        checkpoint = await sealed(old_dsn, services)
        signers = (await identity(services.signing_keys, ACME)).signers

    assert found == [retired, plain]
    assert [signer.private_key for signer in signers] == [plain.private_key]
    assert checkpoint.size == 1
    assert [(public, private and len(private)) for public, private in kept(old_dsn)] == [
        (retired.public_key, None),
        (plain.public_key, 60),
    ]
    assert not has(dump(old_dsn), plain.private_key or b"")


@pytest.mark.usefixtures("given_key")
async def test_what_an_earlier_release_signed_stays_verifiable_and_its_key_can_be_retired(old_dsn: str) -> None:
    plain = new_signing_key()
    with psycopg.connect(old_dsn) as connection:
        connection.execute("INSERT INTO ordertrail.signing_keys (public_key, private_key) VALUES (%s, %s)", plain)
    migrate(old_dsn)
    async with open_services(old_dsn) as services:
        await a_tenant(services)
        await sealed(old_dsn, services)
        first = await services.proofs.checkpoint(ACME)

        await services.signing_keys.add_signing_key(new_signing_key())
        assert await services.signing_keys.retire_signing_keys() == 1

        second = await sealed(old_dsn, services)
        old, new = await services.proofs.verifiers(ACME)
        assert Checkpoint.verified(first, [old]).size == 1
        assert Checkpoint.verified(await services.proofs.checkpoint(ACME), [new]) == second
        verified = await services.verification.verify(ACME, lambda *_: None)
    assert (verified.checkpoints, verified.damage) == (2, None)


async def test_the_installation_key_can_be_moved_out_of_the_database(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_services(dsn) as services:
        await a_tenant(services)
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
