"""The credential that commands send to a server."""

from api.cli.maintenance import InvalidArgument


def bearer(token: str) -> dict[str, str]:
    """Return the header that holds a credential. Raises InvalidArgument, which does not repeat the secret."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidArgument("The token is no ot_… such as `ordertrail key create` prints")
    return {"Authorization": f"Bearer {token}"}
