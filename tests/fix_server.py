"""A server as its users run it: `ordertrail serve` in processes of its own, one for each test process."""

import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.maintenance import create_key, create_tenant
from domain.values import Actor
from tests.fix_postgres import database

ORDERTRAIL = Path(sys.executable).with_name("ordertrail")

PATIENCE_SECONDS = 20
"""How long a read waits for the views: what it shows is to be right, whether or not the machine stands still."""


@dataclass(frozen=True)
class Server:
    url: str
    dsn: str
    process: subprocess.Popen[str]


@dataclass(frozen=True)
class Account:
    """A tenant of the test's own, with a credential that allows everything."""

    url: str
    dsn: str
    tenant: str
    dintero_account: str
    key_id: str
    secret: str
    token: str

    async def key(self, *scopes: str, name: str = "Test", performer: Actor | None = None) -> dict[str, Any]:
        """Create another credential of the tenant."""
        return await create_key(self.dsn, self.tenant, scopes=scopes, name=name, performer=performer)


@contextmanager
def running(
    dsn: str, *arguments: str, read_wait_seconds: float = PATIENCE_SECONDS, **settings: object
) -> Iterator[Server]:
    """Run a server on a migrated database, with these settings; stop it as Ctrl-C does."""
    command = [str(ORDERTRAIL), "serve", "--port", "0", "--dsn", dsn, *arguments]
    settings["read_wait_seconds"] = read_wait_seconds
    environment = os.environ | {f"ORDERTRAIL_{name.upper()}": str(value) for name, value in settings.items()}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Ordertrail is at "), line
            yield Server(line.split()[3].rstrip(","), dsn, process)
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def server(server_dsn: str, template_name: str) -> Iterator[Server]:
    with database(server_dsn, template=template_name) as dsn, running(dsn) as server:
        yield server


async def new_account(server: Server, *, is_implicit: bool = False) -> Account:
    """Make a tenant with a credential that allows everything."""
    tenant, account = f"t-{secrets.token_hex(6)}", f"T{secrets.randbelow(10**8):08}"
    await create_tenant(server.dsn, tenant, is_implicit=is_implicit, dintero_account=account)
    key = await create_key(server.dsn, tenant, scopes=("admin",), name="Test")
    return Account(server.url, server.dsn, tenant, account, key["key_id"], key["secret"], key["token"])


@pytest.fixture
async def account(server: Server) -> Account:
    """A tenant whose orders and integrations are created before they get events."""
    return await new_account(server)


@pytest.fixture
async def implicit_account(server: Server) -> Account:
    """A tenant whose orders and integrations begin with their first event."""
    return await new_account(server, is_implicit=True)


@pytest.fixture
def another_account(server: Server) -> Callable[[], Coroutine[Any, Any, Account]]:
    """Makes further tenants."""
    return lambda: new_account(server)


@pytest.fixture
async def http(account: Account) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the account, with its bearer token."""
    headers = {"Authorization": f"Bearer {account.token}"}
    async with httpx.AsyncClient(base_url=account.url, headers=headers, timeout=30) as client:
        yield client
