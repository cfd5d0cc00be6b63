"""The command line's sign-in links."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from api.bootstrap import open_services
from api.cli import maintenance
from application.access.links import LINK_SECONDS, SESSION_SECONDS

NAME = "Sign-in link"


async def sign_in_link(dsn: str, url: str, tenant: str, *, scopes: tuple[str, ...]) -> str:
    """Return a link that signs somebody in once. It is made of a credential of its own, which ends with the session.

    Raises TenantNotFound, InvalidArgument.
    """
    ends = datetime.now(UTC) + timedelta(seconds=SESSION_SECONDS)
    key = await maintenance.create_key(dsn, tenant, scopes=scopes, name=NAME, expires_at=ends)
    return await link_of(dsn, url, key["key_id"], key["secret"])


async def link_of(dsn: str, url: str, key_id: str, secret: str) -> str:
    """Return a link that signs somebody in once with this credential. Raises Unauthenticated."""
    async with open_services(dsn) as services:
        token = services.sessions.link(await services.access.by_secret(key_id, secret))
    return f"{url}/ui/sign-in?{urlencode({'link': token})}"


def link_text(link: str) -> str:
    """Return a link as it is printed for people."""
    return f"{link}\nIt signs in once, within {LINK_SECONDS // 60} minutes."
